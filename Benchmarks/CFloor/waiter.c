#define _GNU_SOURCE
#include "waiter.h"
#include "uio_line.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { MOST_ROUTINES = 16 };

struct waiter {
  pthread_t thread;
  pthread_mutex_t mutex;
  sem_t ready;
  probe_line line;
  waiter_kind kind;
  placement where;
  int refused, wake, epoll;
  uint32_t total;
  uint64_t counted, waited;
  uint32_t stop;
  floor_routine routine;
  void *contexts[MOST_ROUTINES];
  int count;
};

int placement_apply(placement where) {
  struct sched_param parameters = {.sched_priority = where.priority};
  if (where.processor >= 0) floor_pin(where.processor);
  return -pthread_setschedparam(pthread_self(), where.priority > 0 ? SCHED_FIFO : SCHED_OTHER, &parameters);
}

static void mutex_make(pthread_mutex_t *mutex, waiter_mutex kind) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  if (kind == WAITER_PI) pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
  pthread_mutex_init(mutex, &attributes);
  pthread_mutexattr_destroy(&attributes);
}

static int stopped(waiter *w) { return __atomic_load_n(&w->stop, __ATOMIC_ACQUIRE) != 0; }

// Returns what one read counted, or 0.
static uint64_t take(waiter *w) {
  if (w->line.kind == PROBE_EVENT) {
    uint64_t added;
    return read(w->line.read_fd, &added, sizeof added) == (ssize_t)sizeof added ? added : 0;
  }
  uint32_t total;
  if (read(w->line.read_fd, &total, sizeof total) != (ssize_t)sizeof total) return 0;
  uint64_t delta = total - w->total;
  w->total = total;
  return delta;
}

static void wait_for(waiter *w) {
  if (w->kind == WAITER_POLL) {
    struct pollfd polled[2] = {{.fd = w->line.read_fd, .events = POLLIN}, {.fd = w->wake, .events = POLLIN}};
    poll(polled, 2, -1);
  } else if (w->kind == WAITER_EPOLL) {
    struct epoll_event events[2];
    epoll_wait(w->epoll, events, 2, -1);
  }
}

static void lock(waiter *w) {
  if (pthread_mutex_trylock(&w->mutex) == 0) return;
  uint64_t start = probe_now();
  pthread_mutex_lock(&w->mutex);
  __atomic_store_n(&w->waited, probe_now() - start, __ATOMIC_RELAXED);
}

static void *loop(void *argument) {
  waiter *w = argument;
  w->refused = placement_apply(w->where);
  sem_post(&w->ready);
  if (w->refused == 0 && w->line.kind == PROBE_UIO) uio_line_rearm(&w->line);
  while (w->refused == 0 && !stopped(w)) {
    wait_for(w);
    uint64_t delta = take(w);
    if (delta == 0) continue;
    lock(w);
    __atomic_store_n(&w->counted, w->counted + delta, __ATOMIC_RELAXED);
    for (int i = 0; i < w->count; i++) w->routine(w, w->contexts[i]);
    if (w->line.kind == PROBE_UIO) uio_line_rearm(&w->line);
    pthread_mutex_unlock(&w->mutex);
  }
  return NULL;
}

static void nothing(int number) { (void)number; }

waiter *waiter_start(const probe_line *line, waiter_kind kind, waiter_mutex mutex, floor_routine routine,
                     void *const *contexts, int count, placement where) {
  waiter *w = calloc(1, sizeof *w);
  if (!w || count > MOST_ROUTINES) return NULL;
  w->line = *line;
  w->kind = kind;
  w->where = where;
  w->total = line->total;
  w->routine = routine;
  w->count = count;
  for (int i = 0; i < count; i++) w->contexts[i] = contexts[i];
  w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  w->epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN};
  epoll_ctl(w->epoll, EPOLL_CTL_ADD, line->read_fd, &event);
  epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->wake, &event);
  struct sigaction interrupt = {.sa_handler = nothing};
  if (line->kind == PROBE_UIO) sigaction(SIGUSR1, &interrupt, NULL);
  // A blocking read has nothing but its own descriptor to wait on.
  int flags = fcntl(line->read_fd, F_GETFL);
  fcntl(line->read_fd, F_SETFL, kind == WAITER_READ ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
  mutex_make(&w->mutex, mutex);
  sem_init(&w->ready, 0, 0);
  if (pthread_create(&w->thread, NULL, loop, w) != 0) {
    free(w);
    return NULL;
  }
  sem_wait(&w->ready);
  if (w->refused == 0) return w;
  waiter_stop(w);
  return NULL;
}

uint64_t waiter_counted(waiter *w) { return __atomic_load_n(&w->counted, __ATOMIC_RELAXED); }

uint64_t waiter_take_wait(waiter *w) { return __atomic_exchange_n(&w->waited, 0, __ATOMIC_RELAXED); }

void waiter_stop(waiter *w) {
  uint64_t one = 1;
  __atomic_store_n(&w->stop, 1, __ATOMIC_RELEASE);
  if (write(w->wake, &one, sizeof one) < 0) abort();
  if (w->line.kind == PROBE_UIO) {
    // No signal is sure to be an interrupt: a blocking read is interrupted, again if it had not begun.
    while (pthread_tryjoin_np(w->thread, NULL) == EBUSY) {
      pthread_kill(w->thread, SIGUSR1);
      usleep(1000);
    }
  } else {
    if (w->kind == WAITER_READ) probe_signal(&w->line);
    pthread_join(w->thread, NULL);
  }
  pthread_mutex_destroy(&w->mutex);
  close(w->wake);
  close(w->epoll);
  free(w);
}

int32_t waiter_call(void *argument, floor_routine routine, void *context) {
  waiter *w = argument;
  pthread_mutex_lock(&w->mutex);
  int32_t status = routine(w, context);
  pthread_mutex_unlock(&w->mutex);
  return status;
}

void waiter_calls_uncontended(uint64_t calls, uint64_t *count) {
  waiter w = {0};
  mutex_make(&w.mutex, WAITER_PI);
  while (calls-- > 0) waiter_call(&w, floor_count, count);
  pthread_mutex_destroy(&w.mutex);
}

static __attribute__((noinline)) int32_t call_least(uint32_t *word, floor_routine routine, void *context) {
  uint32_t free = 0, owner = 1;
  if (!__atomic_compare_exchange_n(word, &free, owner, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return -1;
  int32_t status = routine(word, context);
  if (!__atomic_compare_exchange_n(word, &owner, 0, 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) return -1;
  return status;
}

void waiter_calls_least(uint64_t calls, uint64_t *count) {
  uint32_t word = 0;
  while (calls-- > 0) call_least(&word, floor_count, count);
}
