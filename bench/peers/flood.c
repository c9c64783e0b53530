/**
 * Clients that flood a server, and one that asks for its health meanwhile.
 *
 * flood PORT CONNECTIONS BYTES WARMUP_S SECONDS: each connection writes lines of BYTES bytes, waits for all their
 * replies, and writes again. The warm-up begins when each has had its first ones. A thread of its own asks for
 * `health` every 5 ms, one request at a time. It prints a line of JSON when every flood has its replies:
 *
 *   lines    sent and answered, the warm-up included
 *   ratePerS lines answered a second, after the warm-up
 *   asked    requests for health after the warm-up
 *   p50Ms, p99Ms, maxMs  how long their replies took. A client that waits does not ask meanwhile: the replies to what
 *            it would have asked are counted, too
 *
 * Every reply is compared, byte by byte. Any mistake is exit code 1 and a sentence on standard error.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { USERS = 10000, LINE_BYTES = 44, BYTES_MAX = 65536, CONNECTIONS_MAX = 10000, CHUNK_BYTES = 65536 };
enum { SILENCE_MS_MAX = 10000, SAMPLES_MAX = 1 << 20, SHOWN_BYTES = 60 };
static const double EVERY_S = 0.005;
static const char REPLY[] = "{\"status\":\"accepted\"}\n";
enum { REPLY_BYTES = sizeof REPLY - 1 };
static const char HEALTH[] = "{\"type\":\"health\"}\n";
static const char HEALTHY[] = "{\"status\":\"ok\"}\n";

struct connection {
  int socket;
  size_t first_line;
  size_t to_send; /* bytes of the burst under way */
  size_t to_read; /* bytes of its replies */
  int waits_to_send;
  int was_answered; /* all of its first burst */
};
static struct connection connections[CONNECTIONS_MAX];
/** Lines of all users, so that a burst may begin at any of them; its last line is the same for all, and fills it up. */
static char lines[USERS * LINE_BYTES + BYTES_MAX];
static char last_line[2 * LINE_BYTES + 1];
static char replies[CHUNK_BYTES + REPLY_BYTES], chunk[CHUNK_BYTES], burst[BYTES_MAX];
static size_t burst_bytes, whole_lines;
static int port, poll_set;
static double samples[SAMPLES_MAX];
static size_t sampled, asked;
static volatile int is_probing, is_measuring, is_over;

static void fail(const char *what) {
  fprintf(stderr, "flood: %s: %s\n", what, errno ? strerror(errno) : "not as it should be");
  exit(1);
}

static void fail_reply(const char *reply, size_t bytes) {
  fprintf(stderr, "flood: the server sent %.*s\n", (int)(bytes < SHOWN_BYTES ? bytes : SHOWN_BYTES), reply);
  exit(1);
}

/** Shows the first reply that is not as expected. */
static void fail_wrong(const char *got, const char *expected, size_t bytes) {
  size_t at = 0;
  while (at < bytes && got[at] == expected[at]) at++;
  while (at > 0 && got[at - 1] != '\n') at--;
  fail_reply(got + at, bytes - at);
}

static double now_s(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static int open_socket(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int on = 1, opened = socket(AF_INET, SOCK_STREAM, 0);
  if (opened < 0 || connect(opened, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
  setsockopt(opened, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return opened;
}

/** Asks for the health until it is over. */
static void *probe(void *unused) {
  (void)unused;
  /* Where it may, so that the floods' thread does not make it wait. */
  struct sched_param priority = {.sched_priority = 1};
  pthread_setschedparam(pthread_self(), SCHED_RR, &priority);
  int opened = open_socket();
  double next_s = now_s();
  while (!is_over) {
    char reply[sizeof HEALTHY];
    double start_s = now_s();
    int counts = is_measuring;
    if (write(opened, HEALTH, sizeof HEALTH - 1) != sizeof HEALTH - 1) fail("asking for health");
    for (size_t bytes = 0; bytes < sizeof HEALTHY - 1;) {
      ssize_t more = read(opened, reply + bytes, sizeof HEALTHY - 1 - bytes);
      if (more <= 0) fail("reading health");
      bytes += more;
    }
    if (memcmp(reply, HEALTHY, sizeof HEALTHY - 1) != 0) fail_reply(reply, sizeof HEALTHY - 1);
    double took_s = now_s() - start_s;
    is_probing = 1;
    counts = counts || is_measuring;
    asked += counts;
    for (double left_s = took_s; counts && left_s > 0 && sampled < SAMPLES_MAX; left_s -= EVERY_S)
      samples[sampled++] = left_s;
    double time_s = now_s();
    next_s = next_s + EVERY_S > time_s ? next_s + EVERY_S : time_s;
    struct timespec pause = {0, (next_s - time_s) * 1e9};
    nanosleep(&pause, NULL);
  }
  close(opened);
  return NULL;
}

static void build(void) {
  char line[2 * LINE_BYTES];
  for (size_t at = 0; at < sizeof lines; at += LINE_BYTES) {
    sprintf(line, "{\"user\":\"u%04zu\",\"action\":\"buy\",\"amount\":50}\n", at / LINE_BYTES * 4801 % USERS);
    memcpy(lines + at, line, at + LINE_BYTES > sizeof lines ? sizeof lines - at : LINE_BYTES);
  }
  whole_lines = burst_bytes / LINE_BYTES - 1;
  sprintf(last_line, "{\"user\":\"u0000\",\"action\":\"buy\",\"amount\":50%*s}\n", (int)(burst_bytes % LINE_BYTES), "");
  for (size_t at = 0; at < sizeof replies; at++) replies[at] = REPLY[at % REPLY_BYTES];
}

/** Sends what can be sent of the burst. */
static void send_on(struct connection *c) {
  memcpy(burst, lines + c->first_line * LINE_BYTES, whole_lines * LINE_BYTES);
  memcpy(burst + whole_lines * LINE_BYTES, last_line, burst_bytes - whole_lines * LINE_BYTES);
  while (c->to_send > 0) {
    ssize_t bytes = write(c->socket, burst + burst_bytes - c->to_send, c->to_send);
    if (bytes < 0 && errno != EAGAIN) fail("write");
    if (bytes < 0) break;
    c->to_send -= bytes;
  }
  int waits = c->to_send > 0;
  if (waits == c->waits_to_send) return;
  struct epoll_event event = {EPOLLIN | (waits ? EPOLLOUT : 0), {.ptr = c}};
  if (epoll_ctl(poll_set, EPOLL_CTL_MOD, c->socket, &event) < 0) fail("epoll_ctl");
  c->waits_to_send = waits;
}

static void begin_burst(struct connection *c) {
  c->to_send = burst_bytes;
  c->to_read = (whole_lines + 1) * REPLY_BYTES;
  c->first_line = (c->first_line + whole_lines) % USERS;
  send_on(c);
}

/** Whether the burst has all its replies. */
static int receive(struct connection *c) {
  ssize_t bytes = read(c->socket, chunk, CHUNK_BYTES);
  if (bytes < 0 && errno == EAGAIN) return 0;
  if (bytes < 0) fail("read");
  errno = 0;
  if (bytes == 0) fail("the server hung up");
  size_t begun = (REPLY_BYTES - c->to_read % REPLY_BYTES) % REPLY_BYTES;
  if (memcmp(chunk, replies + begun, bytes) != 0) fail_wrong(chunk, replies + begun, bytes);
  if ((size_t)bytes > c->to_read) fail("a reply that nobody asked for");
  c->to_read -= bytes;
  return c->to_read == 0;
}

static int ascending(const void *one, const void *other) {
  double difference = *(const double *)one - *(const double *)other;
  return (difference > 0) - (difference < 0);
}

int main(int count, char **values) {
  port = count == 6 ? atoi(values[1]) : 0;
  int opened = count == 6 ? atoi(values[2]) : 0;
  burst_bytes = count == 6 ? (size_t)atoi(values[3]) : 0;
  double warmup_s = count == 6 ? atof(values[4]) : 0, seconds = count == 6 ? atof(values[5]) : 0;
  if (port < 1 || opened < 1 || opened > CONNECTIONS_MAX || burst_bytes < LINE_BYTES || burst_bytes > BYTES_MAX ||
      seconds <= 0) {
    fprintf(stderr, "flood PORT CONNECTIONS(1 to %d) BYTES(%d to %d) WARMUP_S SECONDS\n", CONNECTIONS_MAX, LINE_BYTES,
            BYTES_MAX);
    return 2;
  }
  struct rlimit descriptors;
  getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = descriptors.rlim_max;
  setrlimit(RLIMIT_NOFILE, &descriptors);
  build();
  poll_set = epoll_create1(0);
  pthread_t prober;
  if (pthread_create(&prober, NULL, probe, NULL) != 0) fail("pthread_create");
  /* It comes first: a server that has thousands to let in does nothing else. */
  while (!is_probing) usleep(1000);
  for (int i = 0; i < opened; i++) {
    struct connection *c = &connections[i];
    c->socket = open_socket();
    c->first_line = (size_t)i * 197 % USERS;
    fcntl(c->socket, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {EPOLLIN, {.ptr = c}};
    if (epoll_ctl(poll_set, EPOLL_CTL_ADD, c->socket, &event) < 0) fail("epoll_ctl");
  }
  size_t answered = 0, answered_before = 0, answered_in_time = 0;
  int under_way = opened, unanswered = opened;
  double start_s = now_s(), from_s = 0, elapsed_s = 0;
  for (int i = 0; i < opened; i++) begin_burst(&connections[i]);
  while (under_way > 0) {
    struct epoll_event events[64];
    int ready = epoll_wait(poll_set, events, 64, SILENCE_MS_MAX);
    if (ready < 0 && errno == EINTR) continue;
    errno = 0;
    if (ready <= 0) fail("the server's silence");
    double time_s = now_s();
    if (unanswered > 0) {
      start_s = time_s;
    } else if (from_s == 0 && time_s >= start_s + warmup_s) {
      from_s = time_s;
      answered_before = answered;
      is_measuring = 1;
    } else if (from_s > 0 && !is_over && time_s >= from_s + seconds) {
      elapsed_s = time_s - from_s;
      answered_in_time = answered - answered_before;
      is_measuring = 0;
      is_over = 1;
    }
    for (int i = 0; i < ready; i++) {
      struct connection *c = events[i].data.ptr;
      if (events[i].events & EPOLLOUT) send_on(c);
      if (!(events[i].events & ~EPOLLOUT) || !receive(c)) continue;
      answered += whole_lines + 1;
      unanswered -= !c->was_answered;
      c->was_answered = 1;
      if (is_over) under_way -= 1;
      else begin_burst(c);
    }
  }
  pthread_join(prober, NULL);
  if (sampled == 0) fail("no answer of health");
  qsort(samples, sampled, sizeof *samples, ascending);
  printf("{\"lines\":%zu,\"ratePerS\":%.0f,\"asked\":%zu,\"p50Ms\":%.3f,\"p99Ms\":%.3f,\"maxMs\":%.3f}\n", answered,
         answered_in_time / elapsed_s, asked, samples[sampled / 2] * 1e3, samples[sampled * 99 / 100] * 1e3,
         samples[sampled - 1] * 1e3);
  return 0;
}
