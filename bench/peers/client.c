/**
 * A closed-loop client in C: what the machine and the server allow when the client costs next to nothing. The load
 * generator is measured against it, on the same server, so that its own cost is known.
 *
 * client PORT CONNECTIONS DEPTH SECONDS: keeps DEPTH lines under way on each connection, on one thread, and stops
 * sending after SECONDS. Lines of 10,000 users are built before it starts, so that sending is one write from memory.
 * Every byte that comes back must be the accepted reply's, and every line sent must be answered. Prints one JSON line.
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
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { USERS = 10000, DEPTH_MAX = 4096, CONNECTIONS_MAX = 1024, CHUNK_BYTES = 65536, SILENCE_MS_MAX = 5000 };
static const char REPLY[] = "{\"status\":\"accepted\"}\n";
enum { REPLY_BYTES = sizeof REPLY - 1 };

/** The lines one after another, then the first DEPTH_MAX again: whatever a connection may have to send is in one piece. */
static char lines[(USERS + DEPTH_MAX) * 64];
static size_t line_at[USERS + DEPTH_MAX + 1];
/** Replies one after another, to compare a chunk with from wherever in a reply it begins. */
static char replies[CHUNK_BYTES + REPLY_BYTES];
static char chunk[CHUNK_BYTES];

struct connection {
  int socket;
  size_t sent_to;    /* in `lines`: what is before it has been sent */
  size_t due_line;   /* the line before which everything may be sent */
  size_t reply_byte; /* of a reply that has come in part */
  int waits_to_send;
};
static struct connection connections[CONNECTIONS_MAX];
static int poll_set;

static void fail(const char *what) {
  fprintf(stderr, "client: %s: %s\n", what, errno ? strerror(errno) : "not as it should be");
  exit(1);
}

static double now_s(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static void build(void) {
  unsigned user = 1;
  for (size_t line = 0, at = 0; line < USERS + DEPTH_MAX; line++) {
    user = (user * 4801 + 1) % USERS; /* every user once, in no order that memory would like */
    line_at[line] = at;
    at += sprintf(lines + at, "{\"user\":\"u%u\",\"action\":\"%s\",\"amount\":50}\n", user, user % 5 ? "buy" : "sell");
    line_at[line + 1] = at;
  }
  for (size_t at = 0; at < sizeof replies; at++) replies[at] = REPLY[at % REPLY_BYTES];
}

static void send_due(struct connection *c) {
  size_t end = line_at[c->due_line];
  while (c->sent_to < end) {
    ssize_t bytes = write(c->socket, lines + c->sent_to, end - c->sent_to);
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

/** The replies that one read brought to their end. */
static size_t receive(struct connection *c) {
  ssize_t bytes = read(c->socket, chunk, CHUNK_BYTES);
  if (bytes < 0 && errno == EAGAIN) return 0;
  if (bytes < 0) fail("read");
  errno = 0;
  if (bytes == 0) fail("the server hung up");
  if (memcmp(chunk, replies + c->reply_byte, bytes) != 0) fail("a reply");
  size_t answered = (c->reply_byte + bytes) / REPLY_BYTES;
  c->reply_byte = (c->reply_byte + bytes) % REPLY_BYTES;
  return answered;
}

static void open_connection(struct connection *c, int port, int number) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int on = 1;
  c->socket = socket(AF_INET, SOCK_STREAM, 0);
  if (c->socket < 0 || connect(c->socket, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
  setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(c->socket, F_SETFL, O_NONBLOCK);
  c->due_line = (size_t)number * 197 % USERS;
  c->sent_to = line_at[c->due_line];
  struct epoll_event event = {EPOLLIN, {.ptr = c}};
  if (epoll_ctl(poll_set, EPOLL_CTL_ADD, c->socket, &event) < 0) fail("epoll_ctl");
}

int main(int count, char **values) {
  int port = count == 5 ? atoi(values[1]) : 0, opened = count == 5 ? atoi(values[2]) : 0;
  size_t depth = count == 5 ? (size_t)atoi(values[3]) : 0;
  double seconds = count == 5 ? atof(values[4]) : 0;
  if (port < 1 || opened < 1 || opened > CONNECTIONS_MAX || depth < 1 || depth > DEPTH_MAX || seconds <= 0) {
    fprintf(stderr, "client PORT CONNECTIONS(1 to %d) DEPTH(1 to %d) SECONDS\n", CONNECTIONS_MAX, DEPTH_MAX);
    return 2;
  }
  build();
  poll_set = epoll_create1(0);
  for (int i = 0; i < opened; i++) open_connection(&connections[i], port, i);

  size_t sent = opened * depth, answered = 0;
  double start_s = now_s(CLOCK_MONOTONIC), start_cpu_s = now_s(CLOCK_PROCESS_CPUTIME_ID), time_s = start_s;
  for (int i = 0; i < opened; i++) {
    connections[i].due_line += depth;
    send_due(&connections[i]);
  }
  while (answered < sent) {
    struct epoll_event events[64];
    int ready = epoll_wait(poll_set, events, 64, SILENCE_MS_MAX);
    if (ready < 0 && errno == EINTR) continue;
    errno = 0;
    if (ready <= 0) fail("the server's silence");
    time_s = now_s(CLOCK_MONOTONIC);
    int goes_on = time_s < start_s + seconds;
    for (int i = 0; i < ready; i++) {
      struct connection *c = events[i].data.ptr;
      size_t replied = events[i].events & ~EPOLLOUT ? receive(c) : 0;
      answered += replied;
      if (goes_on) {
        sent += replied;
        c->due_line += replied;
      }
      send_due(c);
    }
  }
  time_s = now_s(CLOCK_MONOTONIC) - start_s;
  double cpu_s = now_s(CLOCK_PROCESS_CPUTIME_ID) - start_cpu_s;
  printf("{\"sent\":%zu,\"answered\":%zu,\"elapsedS\":%.6f,\"ratePerS\":%.0f,\"cpuS\":%.6f}\n", sent, answered, time_s,
         answered / time_s, cpu_s);
  return 0;
}
