#define _GNU_SOURCE
#include "load.h"

#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { MOST_THREADS = 8 };

struct load {
  pthread_t threads[MOST_THREADS];
  int count, refused;
  sem_t ready;
  uint32_t stop;
  load_call call;
  void *object;
  uint64_t busy, idle, made, longest;
  placement where;
};

static uint64_t own_time(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t load_others_time(void) {
  DIR *threads = opendir("/proc/self/task");
  uint64_t sum = 0;
  for (struct dirent *entry; threads && (entry = readdir(threads));) {
    int thread = atoi(entry->d_name);
    struct timespec t;
    // The kernel's own number for the clock of a thread, as clock_getcpuclockid(3) makes one for a process.
    if (thread <= 0 || thread == gettid() || clock_gettime((clockid_t)(~(unsigned)thread << 3 | 6), &t) != 0) continue;
    sum += (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
  }
  if (threads) closedir(threads);
  return sum;
}

static void nap(uint64_t nanoseconds) {
  struct timespec t = {(time_t)(nanoseconds / 1000000000u), (long)(nanoseconds % 1000000000u)};
  if (nanoseconds > 0) clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

static uint64_t burn(uint64_t nanoseconds) {
  uint64_t start = own_time(), now;
  do now = own_time();
  while (now - start < nanoseconds);
  return now - start;
}

// Under the lock that is measured, which makes the two counters its own.
static int32_t hold(void *object, void *context) {
  (void)object;
  load *l = context;
  uint64_t took = l->busy > 0 ? burn(l->busy) : 0;
  if (took > l->longest) __atomic_store_n(&l->longest, took, __ATOMIC_RELAXED);
  __atomic_store_n(&l->made, l->made + 1, __ATOMIC_RELAXED);
  return 0;
}

static int begin(load *l) {
  int refused = placement_apply(l->where);
  if (refused != 0) __atomic_store_n(&l->refused, refused, __ATOMIC_RELEASE);
  sem_post(&l->ready);
  return refused == 0;
}

static int goes_on(load *l) { return __atomic_load_n(&l->stop, __ATOMIC_ACQUIRE) == 0; }

static void *caller(void *argument) {
  load *l = argument;
  if (begin(l))
    for (; goes_on(l); nap(l->idle)) l->call(l->object, hold, l);
  return NULL;
}

static void *hog(void *argument) {
  load *l = argument;
  if (begin(l))
    for (; goes_on(l); nap(l->idle)) burn(l->busy);
  return NULL;
}

static void *signaller(void *argument) {
  load *l = argument;
  if (!begin(l)) return NULL;
  for (uint64_t next = probe_now(); goes_on(l); next += l->busy) {
    while (probe_now() < next) {
    }
    probe_signal(l->object);
  }
  return NULL;
}

static load *start(load *l, int count, void *(*body)(void *)) {
  sem_init(&l->ready, 0, 0);
  for (; l->count < count && l->count < MOST_THREADS; l->count++)
    if (pthread_create(&l->threads[l->count], NULL, body, l) != 0) break;
  for (int i = 0; i < l->count; i++) sem_wait(&l->ready);
  if (l->count == count && __atomic_load_n(&l->refused, __ATOMIC_ACQUIRE) == 0) return l;
  load_stop(l);
  return NULL;
}

load *load_callers(int count, load_call call, void *object, uint64_t hold_ns, uint64_t pause, placement where) {
  load *l = calloc(1, sizeof *l);
  if (!l) return NULL;
  l->call = call;
  l->object = object;
  l->busy = hold_ns;
  l->idle = pause;
  l->where = where;
  return start(l, count, caller);
}

load *load_hog(uint64_t busy, uint64_t idle, placement where) {
  load *l = calloc(1, sizeof *l);
  if (!l) return NULL;
  l->busy = busy;
  l->idle = idle;
  l->where = where;
  return start(l, 1, hog);
}

load *load_signals(probe_line *line, uint64_t period, placement where) {
  load *l = calloc(1, sizeof *l);
  if (!l) return NULL;
  l->object = line;
  l->busy = period;
  l->where = where;
  return start(l, 1, signaller);
}

uint64_t load_longest_hold(load *l) { return __atomic_load_n(&l->longest, __ATOMIC_RELAXED); }
uint64_t load_made(load *l) { return __atomic_load_n(&l->made, __ATOMIC_RELAXED); }

void load_stop(load *l) {
  __atomic_store_n(&l->stop, 1, __ATOMIC_RELEASE);
  for (int i = 0; i < l->count; i++) pthread_join(l->threads[i], NULL);
  free(l);
}
