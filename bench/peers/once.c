/**
 * A closed-loop client in C for events that count once: like client.c, but each line is made when it is sent, because each
 * has an id of its own. Lines without an id are made in the same way, so that both cost the client the same.
 *
 * once KIND PORT CONNECTIONS DEPTH WARMUP_S SECONDS, with a KIND of
 *
 *   event     {"user":…,"action":…,"amount":50}                       accepted
 *   id        the same with an id of 12 characters                    accepted
 *   transfer  from an even user to the next odd one                   ok, with a balance
 *   move      the same with an id                                     ok, with a balance
 *   incrby    Redis: INCRBY or DECRBY                                 a sum
 *   wait      Redis: INCRBY or DECRBY, and behind what is sent at once WAIT 1: answered when a replica has it
 *   wait-each the same with WAIT 1 behind each
 *   script    Redis: EVALSHA of a script that does SET NX, then INCRBY  a sum
 *
 * What it prints is what client.c prints. Of Redis's and a transfer's replies only the form is looked at: whoever runs it
 * compares the balances.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { USERS = 10000, AMOUNT = 50, DEPTH_MAX = 1024, CONNECTIONS_MAX = 256, CHUNK_BYTES = 65536, LINE_BYTES_MAX = 256 };
enum { SILENCE_MS_MAX = 5000, SHOWN_BYTES_MAX = 120 };
static const char WAIT[] = "*3\r\n$4\r\nWAIT\r\n$1\r\n1\r\n$1\r\n0\r\n";
static const char ACCEPTED[] = "{\"status\":\"accepted\"}\n", OK[] = "{\"status\":\"ok\",\"balance\":";
/** Sets the key of the id if there is none, and only then adds; what was there before is answered as it is. */
static const char SCRIPT[] =
    "if redis.call('SET',KEYS[2],1,'NX','PX',600000) then return redis.call('INCRBY',KEYS[1],ARGV[1]) else return "
    "tonumber(redis.call('GET',KEYS[1])) end";

enum kind { EVENT, ID, TRANSFER, MOVE, INCRBY, WAITED, WAITED_EACH, SCRIPTED, KINDS };
static const char *const NAMES[KINDS] = {"event", "id", "transfer", "move", "incrby", "wait", "wait-each", "script"};
static enum kind kind;
static char sha[41];

struct connection {
  int socket;
  unsigned number, user;
  unsigned long sent, answered, ids;
  char out[(DEPTH_MAX + 1) * LINE_BYTES_MAX];
  size_t out_from, out_to;
  char in[CHUNK_BYTES + LINE_BYTES_MAX];
  size_t in_bytes;
  int waits_to_send;
  unsigned batches[DEPTH_MAX + 1], batch_from, batch_to; /* of WAITED: how many lines each WAIT is for */
  unsigned in_batch;                                     /* replies to the first of them so far */
};
static struct connection *connections;
static int poll_set;
static unsigned long times[USERS];

static void fail(const char *what) {
  fprintf(stderr, "once: %s: %s\n", what, errno ? strerror(errno) : "not as it should be");
  exit(1);
}

static double now_s(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static int amount_of(unsigned user) {
  if (kind == TRANSFER || kind == MOVE) return user % 2 ? AMOUNT : -AMOUNT;
  return user % 5 ? AMOUNT : -AMOUNT;
}

static char *put(char *to, const char *text) {
  size_t bytes = strlen(text);
  memcpy(to, text, bytes);
  return to + bytes;
}

static char *put_number(char *to, unsigned long number) {
  char digits[24];
  int count = 0;
  do digits[count++] = '0' + number % 10;
  while ((number /= 10) > 0);
  while (count > 0) *to++ = digits[--count];
  return to;
}

/** 12 characters: the connection, and a count. */
static char *put_id(char *to, struct connection *c) {
  static const char HEX[] = "0123456789abcdef";
  unsigned long long id = ((unsigned long long)c->number << 36) | c->ids++;
  for (int shift = 44; shift >= 0; shift -= 4) *to++ = HEX[(id >> shift) & 15];
  return to;
}

static int digits_of(unsigned user) { return user < 10 ? 1 : user < 100 ? 2 : user < 1000 ? 3 : 4; }

static char *put_line(char *to, struct connection *c) {
  unsigned user = c->user = (c->user * 4801 + 1) % USERS;
  int buys = amount_of(user) > 0;
  if (kind == TRANSFER || kind == MOVE) {
    user &= ~1u;
    to = put_number(put(to, "{\"type\":\"transfer\",\"from\":\"u"), user);
    to = put(put_number(put(to, "\",\"to\":\"u"), user + 1), "\",\"amount\":50");
    times[user + 1] += 1;
  } else if (kind == EVENT || kind == ID) {
    to = put(put_number(put(to, "{\"user\":\"u"), user), buys ? "\",\"action\":\"buy\",\"amount\":50" : "\",\"action\":\"sell\",\"amount\":50");
  } else {
    const char *verb = kind == SCRIPTED ? "*6\r\n$7\r\nEVALSHA\r\n$40\r\n" : buys ? "*3\r\n$6\r\nINCRBY\r\n" : "*3\r\n$6\r\nDECRBY\r\n";
    to = put(to, verb);
    if (kind == SCRIPTED) to = put(put(to, sha), "\r\n$1\r\n2\r\n");
    to = put(put_number(put(put_number(put(to, "$"), digits_of(user) + 1), "\r\nu"), user), "\r\n");
    if (kind == SCRIPTED) to = put(put_id(put(to, "$12\r\n"), c), buys ? "\r\n$2\r\n50\r\n" : "\r\n$3\r\n-50\r\n");
    else to = put(to, "$2\r\n50\r\n");
  }
  times[user] += 1;
  c->sent += 1;
  if (kind == ID || kind == MOVE) to = put(put_id(put(to, ",\"id\":\""), c), "\"");
  return kind < INCRBY ? put(to, "}\n") : to;
}

static void send_out(struct connection *c) {
  while (c->out_from < c->out_to) {
    ssize_t bytes = write(c->socket, c->out + c->out_from, c->out_to - c->out_from);
    if (bytes < 0 && errno != EAGAIN) fail("write");
    if (bytes < 0) break;
    c->out_from += bytes;
  }
  int waits = c->out_from < c->out_to;
  if (!waits) c->out_from = c->out_to = 0;
  if (waits == c->waits_to_send) return;
  struct epoll_event event = {EPOLLIN | (waits ? EPOLLOUT : 0), {.ptr = c}};
  if (epoll_ctl(poll_set, EPOLL_CTL_MOD, c->socket, &event) < 0) fail("epoll_ctl");
  c->waits_to_send = waits;
}

/** For the last `count` lines. */
static char *put_wait(char *to, struct connection *c, size_t count) {
  c->batches[c->batch_to] = count;
  c->batch_to = (c->batch_to + 1) % (DEPTH_MAX + 1);
  return put(to, WAIT);
}

static void add_lines(struct connection *c, size_t count) {
  if (c->out_from > 0) {
    memmove(c->out, c->out + c->out_from, c->out_to - c->out_from);
    c->out_to -= c->out_from;
    c->out_from = 0;
  }
  char *to = c->out + c->out_to;
  size_t lines = count;
  while (lines-- > 0) {
    to = put_line(to, c);
    if (kind == WAITED_EACH) to = put_wait(to, c, 1);
  }
  if (kind == WAITED && count > 0) to = put_wait(to, c, count);
  c->out_to = to - c->out;
}

static void judge(const char *reply, size_t bytes) {
  int is_right = kind == EVENT || kind == ID ? bytes == sizeof ACCEPTED - 1 && memcmp(reply, ACCEPTED, bytes) == 0
                 : kind < INCRBY             ? bytes > sizeof OK && memcmp(reply, OK, sizeof OK - 1) == 0
                                             : reply[0] == ':';
  if (is_right) return;
  fprintf(stderr, "once: the server sent %.*s\n", (int)(bytes < SHOWN_BYTES_MAX ? bytes : SHOWN_BYTES_MAX), reply);
  exit(1);
}

/** Of WAITED: lines count as answered when their WAIT is; returns how many that are. */
static size_t waited(struct connection *c, const char *reply, size_t bytes) {
  unsigned batch = c->batches[c->batch_from];
  if (c->in_batch < batch) {
    judge(reply, bytes);
    c->in_batch += 1;
    return 0;
  }
  if (bytes != 4 || memcmp(reply, ":1\r\n", 4) != 0) judge("", 0);
  c->in_batch = 0;
  c->batch_from = (c->batch_from + 1) % (DEPTH_MAX + 1);
  return batch;
}

/** How many replies one read brought to their end. */
static size_t receive(struct connection *c) {
  ssize_t bytes = read(c->socket, c->in + c->in_bytes, CHUNK_BYTES);
  if (bytes < 0 && errno == EAGAIN) return 0;
  if (bytes < 0) fail("read");
  errno = 0;
  if (bytes == 0) fail("the server hung up");
  char *reply = c->in, *end = c->in + c->in_bytes + bytes, *line_end;
  size_t answered = 0;
  while ((line_end = memchr(reply, '\n', end - reply)) != NULL) {
    if (kind == WAITED || kind == WAITED_EACH) {
      answered += waited(c, reply, line_end + 1 - reply);
    } else {
      judge(reply, line_end + 1 - reply);
      answered += 1;
    }
    reply = line_end + 1;
  }
  c->in_bytes = end - reply;
  if (c->in_bytes >= LINE_BYTES_MAX) judge("", 0);
  memmove(c->in, reply, c->in_bytes);
  c->answered += answered;
  if (c->answered > c->sent) fail("a reply that nobody asked for");
  return answered;
}

static void open_connection(struct connection *c, int port, unsigned number) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int on = 1;
  c->socket = socket(AF_INET, SOCK_STREAM, 0);
  if (c->socket < 0 || connect(c->socket, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
  setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  c->number = number;
  c->user = number * 197 % USERS;
}

/** Has Redis keep the script, and keeps its name. */
static void load_script(int socket) {
  char text[512], reply[128];
  int bytes = sprintf(text, "*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n$%zu\r\n%s\r\n", sizeof SCRIPT - 1, SCRIPT);
  if (write(socket, text, bytes) != bytes) fail("write");
  ssize_t got = 0;
  while (got < 47) {
    ssize_t more = read(socket, reply + got, sizeof reply - got);
    if (more <= 0) fail("SCRIPT LOAD");
    got += more;
  }
  if (memcmp(reply, "$40\r\n", 5) != 0) fail("SCRIPT LOAD");
  memcpy(sha, reply + 5, 40);
}

int main(int count, char **values) {
  int port = count == 7 ? atoi(values[2]) : 0, opened = count == 7 ? atoi(values[3]) : 0;
  size_t depth = count == 7 ? (size_t)atoi(values[4]) : 0;
  double warmup_s = count == 7 ? atof(values[5]) : 0, seconds = count == 7 ? atof(values[6]) : 0;
  for (kind = 0; kind < KINDS && count > 1 && strcmp(values[1], NAMES[kind]) != 0;) kind++;
  if (kind == KINDS || port < 1 || opened < 1 || opened > CONNECTIONS_MAX || depth < 1 || depth > DEPTH_MAX || seconds <= 0) {
    fprintf(stderr, "once event|id|transfer|move|incrby|wait|wait-each|script PORT CONNECTIONS(1 to %d) DEPTH(1 to %d) WARMUP_S SECONDS\n",
            CONNECTIONS_MAX, DEPTH_MAX);
    return 2;
  }
  connections = calloc(opened, sizeof *connections);
  poll_set = epoll_create1(0);
  for (int i = 0; i < opened; i++) open_connection(&connections[i], port, i);
  if (kind == SCRIPTED) load_script(connections[0].socket);
  size_t sent = opened * depth, answered = 0, answered_before = 0, answered_in_time = 0;
  for (int i = 0; i < opened; i++) {
    struct connection *c = &connections[i];
    struct epoll_event event = {EPOLLIN, {.ptr = c}};
    fcntl(c->socket, F_SETFL, O_NONBLOCK);
    if (epoll_ctl(poll_set, EPOLL_CTL_ADD, c->socket, &event) < 0) fail("epoll_ctl");
    add_lines(c, depth);
    send_out(c);
  }
  enum { WARMING, MEASURING, ENDING } phase = WARMING;
  double start_s = now_s(CLOCK_MONOTONIC), from_s = 0, from_cpu_s = 0, elapsed_s = 0;
  while (answered < sent) {
    struct epoll_event events[64];
    int ready = epoll_wait(poll_set, events, 64, SILENCE_MS_MAX);
    if (ready < 0 && errno == EINTR) continue;
    errno = 0;
    if (ready <= 0) fail("the server's silence");
    double time_s = now_s(CLOCK_MONOTONIC);
    if (phase == WARMING && time_s >= start_s + warmup_s) {
      phase = MEASURING;
      from_s = time_s;
      from_cpu_s = now_s(CLOCK_PROCESS_CPUTIME_ID);
      answered_before = answered;
      puts("measuring");
      fflush(stdout);
    } else if (phase == MEASURING && time_s >= from_s + seconds) {
      phase = ENDING;
      elapsed_s = time_s - from_s;
      answered_in_time = answered - answered_before;
    }
    for (int i = 0; i < ready; i++) {
      struct connection *c = events[i].data.ptr;
      size_t replied_now = events[i].events & ~EPOLLOUT ? receive(c) : 0;
      answered += replied_now;
      if (phase != ENDING && replied_now > 0) {
        sent += replied_now;
        add_lines(c, replied_now);
      }
      send_out(c);
    }
  }
  double cpu_s = now_s(CLOCK_PROCESS_CPUTIME_ID) - from_cpu_s;
  for (int i = 0; i < opened; i++) shutdown(connections[i].socket, SHUT_WR);
  printf("{\"lines\":%zu,\"answered\":%zu,\"ratePerS\":%.0f,\"cpuS\":%.6f,\"amounts\":[", sent, answered - answered_before,
         answered_in_time / elapsed_s, cpu_s);
  for (unsigned user = 0; user < USERS; user++) printf("%s%lld", user ? "," : "", amount_of(user) * (long long)times[user]);
  puts("]}");
  return 0;
}
