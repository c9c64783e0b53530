/**
 * A closed-loop client in C: what the machine and a server allow when the client costs next to nothing. It speaks
 * Tally's protocol and enough of Redis's.
 *
 * client tally|redis PORT CONNECTIONS DEPTH WARMUP_S SECONDS [TOKEN]: keeps DEPTH lines under way on each connection, on one
 * thread. Lines of 10,000 users are built before it starts, so that sending is one write from memory. It prints the
 * line `measuring` when the warm-up is over, sends until SECONDS later, waits for the last reply, and hangs up; then it
 * prints a line of JSON:
 *
 *   lines     sent, and answered, the warm-up included
 *   answered  replies from `measuring` to the last one; cpuS is this process's own for them
 *   ratePerS  replies a second from `measuring` until it sent no more
 *   amounts   of users 0 to 9,999: what their answered lines, the warm-up's included, must have made of their balances
 *
 * Every reply is checked. Tally's must be the accepted one, byte by byte. Redis answers with the sum that it made, and
 * each user here either buys or sells: of a user with n lines, in whichever order they came, the replies must be ±50,
 * ±100 … ±50·n. Their total says whether they are, if the server starts empty. Any mistake is exit code 1 and a
 * sentence on standard error. With a TOKEN, each connection says first who it is. Compiled with -DTLS and -lssl -lcrypto, it
 * speaks TLS, and takes any certificate.
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
#ifdef TLS
#include <openssl/ssl.h>
#else
typedef void SSL;
#endif

enum { USERS = 10000, AMOUNT = 50, DEPTH_MAX = 4096, CONNECTIONS_MAX = 1024, CHUNK_BYTES = 65536 };
enum { SILENCE_MS_MAX = 5000, PART_BYTES_MAX = 32, SHOWN_BYTES_MAX = 120 };
static const char REPLY[] = "{\"status\":\"accepted\"}\n";
enum { REPLY_BYTES = sizeof REPLY - 1 };

/** The lines one after another, then the first DEPTH_MAX again: whatever a connection may have to send is in one piece. */
static char lines[(USERS + DEPTH_MAX) * 64];
static size_t line_at[USERS + DEPTH_MAX + 1];
static unsigned user_of[USERS + DEPTH_MAX];
/** Accepted replies one after another, to compare a chunk with. */
static char replies[PART_BYTES_MAX + CHUNK_BYTES];
/** What is read, behind the part of a reply that was left by the read before. */
static char chunk[PART_BYTES_MAX + CHUNK_BYTES];

struct connection {
  int socket;
  SSL *tls;
  size_t first_line;
  size_t sent_to;  /* in `lines`: what is before it has been sent */
  size_t due_line; /* the line before which everything may be sent */
  size_t due;      /* lines that may be sent, of all times */
  size_t answered;
  char part[PART_BYTES_MAX]; /* of a reply that has not come to its end */
  size_t part_bytes;
  int waits_to_send;
};
static struct connection connections[CONNECTIONS_MAX];
static int poll_set;
static int is_redis;
/** All the sums that Redis replied with, added up. */
static long long replied;
static long long amounts[USERS];

static void fail(const char *what) {
  fprintf(stderr, "client: %s: %s\n", what, errno ? strerror(errno) : "not as it should be");
  exit(1);
}

static void fail_reply(const char *reply, size_t bytes) {
  const char *end = memchr(reply, '\n', bytes);
  size_t shown = end ? (size_t)(end - reply) : bytes;
  fprintf(stderr, "client: the server sent %.*s\n", (int)(shown < SHOWN_BYTES_MAX ? shown : SHOWN_BYTES_MAX), reply);
  exit(1);
}

static double now_s(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

/** One user in five sells, always. */
static int amount_of(unsigned user) { return user % 5 ? AMOUNT : -AMOUNT; }

static int write_line(char *to, unsigned user) {
  int buys = amount_of(user) > 0;
  char name[16];
  int name_bytes = sprintf(name, "u%u", user);
  if (is_redis)
    return sprintf(to, "*3\r\n$6\r\n%s\r\n$%d\r\n%s\r\n$2\r\n%d\r\n", buys ? "INCRBY" : "DECRBY", name_bytes, name, AMOUNT);
  return sprintf(to, "{\"user\":\"%s\",\"action\":\"%s\",\"amount\":%d}\n", name, buys ? "buy" : "sell", AMOUNT);
}

static void build(void) {
  unsigned user = 1;
  for (size_t line = 0; line < USERS + DEPTH_MAX; line++) {
    user = (user * 4801 + 1) % USERS; /* every user once, in no order that memory would like */
    user_of[line] = user;
    line_at[line + 1] = line_at[line] + write_line(lines + line_at[line], user);
  }
  for (size_t at = 0; at < sizeof replies; at++) replies[at] = REPLY[at % REPLY_BYTES];
}

/** As `write` and `read` on a socket that does not block. */
static ssize_t put(struct connection *c, const char *from, size_t bytes) {
#ifdef TLS
  int done = SSL_write(c->tls, from, bytes);
  if (done > 0) return done;
  errno = SSL_get_error(c->tls, done) == SSL_ERROR_WANT_WRITE || SSL_get_error(c->tls, done) == SSL_ERROR_WANT_READ ? EAGAIN : EPROTO;
  return -1;
#else
  return write(c->socket, from, bytes);
#endif
}

static ssize_t get(struct connection *c, char *to, size_t bytes) {
#ifdef TLS
  int done = SSL_read(c->tls, to, bytes);
  if (done > 0) return done;
  int error = SSL_get_error(c->tls, done);
  if (error == SSL_ERROR_ZERO_RETURN) return 0;
  errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
  return -1;
#else
  return read(c->socket, to, bytes);
#endif
}

/** There are bytes that no poll will tell of. */
static int has_more(struct connection *c) {
#ifdef TLS
  return SSL_pending(c->tls) > 0;
#else
  (void)c;
  return 0;
#endif
}

static void send_due(struct connection *c) {
  size_t end = line_at[c->due_line];
  while (c->sent_to < end) {
    ssize_t bytes = put(c, lines + c->sent_to, end - c->sent_to);
    if (bytes < 0 && errno != EAGAIN) fail("write");
    if (bytes < 0) break;
    c->sent_to += bytes;
  }
  if (c->sent_to >= line_at[USERS]) {
    c->sent_to -= line_at[USERS];
    c->due_line -= USERS;
    end = line_at[c->due_line];
  }
  int waits = c->sent_to < end;
  if (waits == c->waits_to_send) return;
  struct epoll_event event = {EPOLLIN | (waits ? EPOLLOUT : 0), {.ptr = c}};
  if (epoll_ctl(poll_set, EPOLL_CTL_MOD, c->socket, &event) < 0) fail("epoll_ctl");
  c->waits_to_send = waits;
}

static void allow(struct connection *c, size_t more) {
  c->due += more;
  c->due_line += more;
}

/** Judges what the chunk holds, counts the whole replies, and returns how many bytes they have. */
static size_t take_accepted(struct connection *c, size_t bytes) {
  size_t whole = bytes / REPLY_BYTES, at = 0;
  if (memcmp(chunk, replies, bytes) != 0) {
    while (at < whole && memcmp(chunk + at * REPLY_BYTES, REPLY, REPLY_BYTES) == 0) at++;
    fail_reply(chunk + at * REPLY_BYTES, bytes - at * REPLY_BYTES);
  }
  c->answered += whole;
  return whole * REPLY_BYTES;
}

/** The same of Redis: `:150\r\n`. */
static size_t take_sums(struct connection *c, size_t bytes) {
  char *reply = chunk, *end = chunk + bytes, *line_end;
  while ((line_end = memchr(reply, '\n', end - reply)) != NULL) {
    int is_negative = reply[0] == ':' && reply[1] == '-';
    char *digits = reply + 1 + is_negative, *at = digits;
    long long sum = 0;
    while (*at >= '0' && *at <= '9') sum = sum * 10 + (*at++ - '0');
    if (*reply != ':' || at == digits || *at != '\r' || at + 1 != line_end) fail_reply(reply, end - reply);
    replied += is_negative ? -sum : sum;
    c->answered += 1;
    reply = line_end + 1;
  }
  return reply - chunk;
}

/** How many replies one read brought to their end. */
static size_t receive(struct connection *c) {
  size_t answered = c->answered;
  ssize_t bytes = get(c, chunk + c->part_bytes, CHUNK_BYTES);
  if (bytes < 0 && errno == EAGAIN) return 0;
  if (bytes < 0) fail("read");
  errno = 0;
  if (bytes == 0) fail("the server hung up");
  memcpy(chunk, c->part, c->part_bytes);
  bytes += c->part_bytes;
  size_t taken = is_redis ? take_sums(c, bytes) : take_accepted(c, bytes);
  c->part_bytes = bytes - taken;
  if (c->part_bytes > PART_BYTES_MAX) fail_reply(chunk + taken, c->part_bytes);
  memcpy(c->part, chunk + taken, c->part_bytes);
  if (c->answered + (c->part_bytes > 0) > c->due) fail("a reply that nobody asked for");
  return c->answered - answered;
}

/** Shakes hands, and says who it is; the socket blocks. */
static void introduce(struct connection *c, const char *token) {
#ifdef TLS
  static SSL_CTX *context;
  if (context == NULL) {
    context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF); /* Redis hangs up without a word */
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  }
  c->tls = SSL_new(context);
  SSL_set_fd(c->tls, c->socket);
  if (SSL_connect(c->tls) != 1) fail("the handshake");
#endif
  static const char OK[] = "{\"status\":\"ok\"}\n";
  char line[9000];
  if (token == NULL) return;
  int bytes = snprintf(line, sizeof line, "{\"type\":\"auth\",\"token\":\"%s\"}\n", token);
  if (put(c, line, bytes) != bytes) fail("the token");
  for (size_t at = 0; at < sizeof OK - 1;) {
    ssize_t heard = get(c, line + at, sizeof OK - 1 - at);
    if (heard <= 0 || memcmp(line, OK, at + heard) != 0) fail("the answer to the token");
    at += heard;
  }
}

static void open_connection(struct connection *c, int port, int number, const char *token) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int on = 1;
  c->socket = socket(AF_INET, SOCK_STREAM, 0);
  if (c->socket < 0 || connect(c->socket, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
  setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  introduce(c, token);
  fcntl(c->socket, F_SETFL, O_NONBLOCK);
  c->first_line = c->due_line = (size_t)number * 197 % USERS;
  c->sent_to = line_at[c->due_line];
  struct epoll_event event = {EPOLLIN, {.ptr = c}};
  if (epoll_ctl(poll_set, EPOLL_CTL_ADD, c->socket, &event) < 0) fail("epoll_ctl");
}

/** Nothing may come any more but the end. */
static void hang_up(struct connection *c) {
  struct timeval patience = {SILENCE_MS_MAX / 1000, 0};
  fcntl(c->socket, F_SETFL, 0);
  setsockopt(c->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
#ifdef TLS
  SSL_shutdown(c->tls);
#endif
  shutdown(c->socket, SHUT_WR);
  errno = 0;
  if (c->part_bytes > 0 || get(c, chunk, CHUNK_BYTES) != 0) fail("what came after the last reply");
}

/** From how often each user's line was answered: every connection has sent the lines from its first one on, round and round. */
static void add_up(int opened) {
  static long long times[USERS];
  for (struct connection *c = connections; c < connections + opened; c++)
    for (size_t i = 0; i < USERS; i++)
      times[user_of[(c->first_line + i) % USERS]] += c->answered / USERS + (i < c->answered % USERS);
  long long expected = 0;
  for (unsigned user = 0; user < USERS; user++) {
    amounts[user] = amount_of(user) * times[user];
    expected += amount_of(user) * (times[user] * (times[user] + 1) / 2);
  }
  if (!is_redis || replied == expected) return;
  fprintf(stderr, "client: the replies add up to %lld, not to %lld\n", replied, expected);
  exit(1);
}

int main(int count, char **values) {
  int is_whole = (count == 7 || count == 8) && (strcmp(values[1], "tally") == 0 || strcmp(values[1], "redis") == 0);
  int port = is_whole ? atoi(values[2]) : 0, opened = is_whole ? atoi(values[3]) : 0;
  size_t depth = is_whole ? (size_t)atoi(values[4]) : 0;
  double warmup_s = is_whole ? atof(values[5]) : 0, seconds = is_whole ? atof(values[6]) : 0;
  if (port < 1 || opened < 1 || opened > CONNECTIONS_MAX || depth < 1 || depth > DEPTH_MAX || seconds <= 0) {
    fprintf(stderr, "client tally|redis PORT CONNECTIONS(1 to %d) DEPTH(1 to %d) WARMUP_S SECONDS [TOKEN]\n", CONNECTIONS_MAX,
            DEPTH_MAX);
    return 2;
  }
  is_redis = strcmp(values[1], "redis") == 0;
  build();
  poll_set = epoll_create1(0);
  for (int i = 0; i < opened; i++) open_connection(&connections[i], port, i, count == 8 ? values[7] : NULL);

  enum { WARMING, MEASURING, ENDING } phase = WARMING;
  size_t sent = opened * depth, answered = 0, answered_before = 0, answered_in_time = 0;
  double start_s = now_s(CLOCK_MONOTONIC), from_s = 0, from_cpu_s = 0, elapsed_s = 0;
  for (int i = 0; i < opened; i++) {
    allow(&connections[i], depth);
    send_due(&connections[i]);
  }
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
      while (has_more(c)) replied_now += receive(c);
      answered += replied_now;
      if (phase != ENDING) {
        sent += replied_now;
        allow(c, replied_now);
      }
      send_due(c);
    }
  }
  double cpu_s = now_s(CLOCK_PROCESS_CPUTIME_ID) - from_cpu_s;
  for (int i = 0; i < opened; i++) hang_up(&connections[i]);
  add_up(opened);
  printf("{\"lines\":%zu,\"answered\":%zu,\"ratePerS\":%.0f,\"cpuS\":%.6f,\"amounts\":[%lld", sent, answered - answered_before,
         answered_in_time / elapsed_s, cpu_s, amounts[0]);
  for (int user = 1; user < USERS; user++) printf(",%lld", amounts[user]);
  puts("]}");
  return 0;
}
