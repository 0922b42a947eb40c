#define _GNU_SOURCE
#include "floor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

int32_t floor_count(void *object, void *context) {
  (void)object;
  uint64_t *count = context;
  *count += 1;
  return 0;
}

int32_t floor_count_on(void *object, void *context) {
  (void)object;
  floor_counted *counted = context;
  uint64_t calls = __atomic_load_n(&counted->calls, __ATOMIC_RELAXED);
  if (calls == 0 && pthread_getcpuclockid(pthread_self(), &counted->clock) != 0) return -1;
  __atomic_store_n(&counted->calls, calls + 1, __ATOMIC_RELEASE);
  return 0;
}

uint64_t floor_counted_time(const floor_counted *counted) {
  struct timespec t;
  if (__atomic_load_n(&counted->calls, __ATOMIC_ACQUIRE) == 0 || clock_gettime(counted->clock, &t) != 0) return 0;
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int32_t floor_pass_on(void *object, void *context) {
  (void)object;
  const floor_link *link = context;
  uint64_t one = 1;
  if (__atomic_load_n(link->running, __ATOMIC_RELAXED) && write(link->fd, &one, sizeof one) < 0) return -1;
  return 0;
}

int32_t floor_storm(void *object, void *context) {
  floor_pass_on(object, context);
  return -1;
}

int floor_self_firing_line(void) {
  int ends[2];
  char path[32];
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
  int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  close(ends[0]);
  close(ends[1]);
  return fd;
}

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int floor_message_line(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

// Both loops, with the size of a count and of what re-arms; inlined, so that neither asks which of them it is.
static inline __attribute__((always_inline)) uint64_t run(int fd, floor_node *list, uint64_t duration_ns, size_t counted,
                                                          size_t rearmed) {
  pthread_mutexattr_t attributes;
  pthread_mutex_t mutex;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
  pthread_mutex_init(&mutex, &attributes);
  uint64_t serviced = 0, end = now() + duration_ns, count;
  const uint64_t one = 1;
  if (write(fd, &one, counted) != (ssize_t)counted) return 0;
  // The clock is looked at every 1,024 interrupts, so that it does not count.
  while ((serviced & 1023) != 0 || now() < end) {
    ssize_t length = read(fd, &count, counted);
    if (length != (ssize_t)counted) {
      struct pollfd polled = {.fd = fd, .events = POLLIN};
      if (errno == EAGAIN || errno == EINTR) poll(&polled, 1, 1000);
      continue;
    }
    pthread_mutex_lock(&mutex);
    for (floor_node *node = list; node; node = node->next) node->routine(&mutex, node->context);
    if (rearmed > 0 && write(fd, &one, rearmed) != (ssize_t)rearmed) break;
    pthread_mutex_unlock(&mutex);
    serviced++;
  }
  pthread_mutex_destroy(&mutex);
  return serviced;
}

uint64_t floor_run(int fd, floor_node *list, uint64_t duration_ns) {
  return run(fd, list, duration_ns, sizeof(int32_t), sizeof(int32_t));
}

uint64_t floor_run_messages(int fd, floor_node *list, uint64_t duration_ns) {
  return run(fd, list, duration_ns, sizeof(uint64_t), 0);
}

// One line of a chain: its eventfd, and that of the next.
struct link {
  int fd, next;
};

struct floor_chain {
  int poller, count;
  struct link links[];
};

floor_chain *floor_chain_open(int count) {
  floor_chain *chain = calloc(1, sizeof *chain + (size_t)count * sizeof *chain->links);
  if (!chain) return NULL;
  chain->poller = epoll_create1(EPOLL_CLOEXEC);
  for (; chain->count < count; chain->count++)
    if ((chain->links[chain->count].fd = floor_message_line()) < 0) break;
  for (int i = 0; i < chain->count; i++) {
    struct link *link = chain->links + i;
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = link};
    link->next = chain->links[(i + 1) % chain->count].fd;
    epoll_ctl(chain->poller, EPOLL_CTL_ADD, link->fd, &event);
  }
  if (chain->count == count) return chain;
  floor_chain_close(chain);
  return NULL;
}

void floor_chain_close(floor_chain *chain) {
  for (int i = 0; i < chain->count; i++) close(chain->links[i].fd);
  close(chain->poller);
  free(chain);
}

uint64_t floor_chain_run(floor_chain *chain, uint64_t duration_ns) {
  enum { READY = 64 };
  struct epoll_event ready[READY];
  uint64_t serviced = 0, end = now() + duration_ns, count;
  const uint64_t one = 1;
  if (write(chain->links->fd, &one, sizeof one) < 0) return 0;
  for (;;) {
    int found = epoll_wait(chain->poller, ready, READY, 0);
    for (int i = 0; i < found; i++) {
      const struct link *link = ready[i].data.ptr;
      if (read(link->fd, &count, sizeof count) != sizeof count) return 0;
      // The clock is looked at every 1,024 interrupts, so that it does not count.
      if ((++serviced & 1023) == 0 && now() >= end) return serviced;
      if (write(link->next, &one, sizeof one) < 0) return 0;
    }
  }
}

void floor_pin(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  sched_setaffinity(0, sizeof set, &set);
}

void floor_unpin(void) {
  cpu_set_t set;
  memset(&set, 0xff, sizeof set);
  sched_setaffinity(0, sizeof set, &set);
}
