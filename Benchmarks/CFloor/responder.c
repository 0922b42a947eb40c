#define _GNU_SOURCE
#include "responder.h"
#include "probe.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CAPACITY = 65536 };

// As long as one of the daemon's.
typedef struct record {
  uint64_t time, number, rest[11];
} record;

typedef struct records {
  uint64_t written;
  uint32_t asleep;
  uint32_t padding[13];
  record entries[CAPACITY];
} records;

struct responder {
  pid_t process;
  int socket, event;
  uint64_t read;
  records *records;
};

static void leave_record(records *all, int event, uint64_t time) {
  uint64_t one = 1, number = all->written;
  all->entries[number % CAPACITY] = (record){.time = time, .number = number};
  __atomic_store_n(&all->written, number + 1, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&all->asleep, __ATOMIC_SEQ_CST) && __atomic_exchange_n(&all->asleep, 0, __ATOMIC_SEQ_CST) &&
      write(event, &one, sizeof one) < 0)
    _exit(1);
}

// Three threads, each of which wakes the next: one takes messages, one tells the time, and one leaves the record.
typedef struct chain {
  records *all;
  int event, ends[2];
  uint64_t time;
} chain;

static void wake(int event) {
  uint64_t one = 1;
  if (write(event, &one, sizeof one) < 0) _exit(1);
}

static void *tell_time(void *argument) {
  chain *c = argument;
  uint64_t count;
  while (read(c->ends[0], &count, sizeof count) > 0) {
    __atomic_store_n(&c->time, probe_now(), __ATOMIC_RELEASE);
    wake(c->ends[1]);
  }
  return NULL;
}

static void *leave_records(void *argument) {
  chain *c = argument;
  uint64_t count;
  while (read(c->ends[1], &count, sizeof count) > 0)
    leave_record(c->all, c->event, __atomic_load_n(&c->time, __ATOMIC_ACQUIRE));
  return NULL;
}

// Nothing ends the threads but the process.
static chain *chain_start(records *all, int event) {
  static chain c;
  pthread_t thread;
  c = (chain){.all = all, .event = event, .ends = {eventfd(0, EFD_CLOEXEC), eventfd(0, EFD_CLOEXEC)}};
  if (c.ends[0] < 0 || c.ends[1] < 0 || pthread_create(&thread, NULL, tell_time, &c) != 0 ||
      pthread_create(&thread, NULL, leave_records, &c) != 0)
    _exit(1);
  return &c;
}

// The process of its own. A message may come in parts, and several at once.
static void serve(int fd, const char *reply, records *all, int event, responder_kind kind) {
  char messages[4096];
  size_t length = strlen(reply) + 1;
  ssize_t got;
  chain *others = kind == RESPONDER_CHAIN ? chain_start(all, event) : NULL;
  while ((got = read(fd, messages, sizeof messages)) > 0)
    for (const char *end = messages; (end = memchr(end, 0, (size_t)(messages + got - end))); end++) {
      if (kind == RESPONDER_LATE) usleep(RESPONDER_DELAY);
      if (others)
        wake(others->ends[0]);
      else if (all)
        leave_record(all, event, probe_now());
      if (write(fd, reply, length) != (ssize_t)length) return;
    }
}

responder *responder_start(const char *reply, responder_kind kind) {
  int ends[2];
  responder *r = calloc(1, sizeof *r);
  if (!r) return NULL;
  if (kind != RESPONDER_ECHO) {
    r->records = mmap(NULL, sizeof *r->records, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (r->records == MAP_FAILED) return NULL;
  }
  r->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (r->event < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return NULL;
  r->socket = ends[0];
  r->process = fork();
  if (r->process == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(ends[0]);
    serve(ends[1], reply, r->records, r->event, kind);
    _exit(0);
  }
  close(ends[1]);
  return r->process > 0 ? r : NULL;
}

int responder_socket(const responder *r) { return r->socket; }

uint64_t responder_next(responder *r) {
  uint64_t count;
  struct pollfd polled = {.fd = r->event, .events = POLLIN};
  while (__atomic_load_n(&r->records->written, __ATOMIC_ACQUIRE) == r->read) {
    __atomic_store_n(&r->records->asleep, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&r->records->written, __ATOMIC_SEQ_CST) != r->read) break;
    if (poll(&polled, 1, 5000) <= 0 || read(r->event, &count, sizeof count) < 0) return 0;
  }
  record entry = r->records->entries[r->read % CAPACITY];
  r->read++;
  return entry.time;
}

void responder_end(responder *r) {
  int status;
  // Processes that were started later may have the descriptor as well.
  shutdown(r->socket, SHUT_RDWR);
  close(r->socket);
  waitpid(r->process, &status, 0);
  close(r->event);
  if (r->records) munmap(r->records, sizeof *r->records);
  free(r);
}
