// Time that a test advances, for one source of the Windows suite: CLOCK_MONOTONIC, CLOCK_REALTIME and the library's
// timerfds. The program's definitions of the four functions take precedence over libc's, also for the library. Until
// clock_start() the clocks are the kernel's. From then on they stand still between two calls of clock_advance(), so do
// not wait with a timeout. poll(2) of two timerfds is the thread `timer` of the library; every other call is the kernel's.
#ifndef VIRTUAL_CLOCK_H
#define VIRTUAL_CLOCK_H

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { STEADY, SYSTEM, CLOCKS };

static struct {
  bool has_started;
  // What each clock shows, in nanoseconds, and the time for which its timerfd is set; 0 means that it is not.
  uint64_t now[CLOCKS], armed[CLOCKS];
  int fds[CLOCKS];
  bool is_idle;
} virtual_clock = {.fds = {-1, -1}};
static pthread_mutex_t clock_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t clock_changed = PTHREAD_COND_INITIALIZER;

static uint64_t nanoseconds_of(const struct timespec *time) {
  return (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_nsec;
}

static uint64_t kernel_nanoseconds(clockid_t clock) {
  struct timespec time;
  syscall(SYS_clock_gettime, clock, &time);
  return nanoseconds_of(&time);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME) return (int)syscall(SYS_clock_gettime, clock, time);
  pthread_mutex_lock(&clock_lock);
  uint64_t now = virtual_clock.has_started ? virtual_clock.now[clock == CLOCK_REALTIME] : kernel_nanoseconds(clock);
  pthread_mutex_unlock(&clock_lock);
  *time = (struct timespec){.tv_sec = (time_t)(now / 1000000000), .tv_nsec = (long)(now % 1000000000)};
  return 0;
}

int timerfd_create(clockid_t clock, int flags) {
  (void)flags;
  return virtual_clock.fds[clock == CLOCK_REALTIME] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

int timerfd_settime(int fd, int flags, const struct itimerspec *value, struct itimerspec *old) {
  (void)flags, (void)old;
  pthread_mutex_lock(&clock_lock);
  virtual_clock.armed[fd == virtual_clock.fds[SYSTEM]] = nanoseconds_of(&value->it_value);
  pthread_cond_broadcast(&clock_changed);
  pthread_mutex_unlock(&clock_lock);
  return 0;
}

// With the lock held.
static bool clock_is_due(void) {
  for (int i = 0; i < CLOCKS; i++)
    if (virtual_clock.armed[i] && virtual_clock.armed[i] <= virtual_clock.now[i]) return true;
  return false;
}

// By its symbol: gcc takes the fields of libc's declaration for results only.
int virtual_poll(struct pollfd *fds, nfds_t count, int timeout) __asm__("poll");
int virtual_poll(struct pollfd *fds, nfds_t count, int timeout) {
  if (count != CLOCKS || fds[0].fd != virtual_clock.fds[STEADY] || fds[0].fd < 0) {
    struct timespec limit = {.tv_sec = timeout / 1000, .tv_nsec = timeout % 1000 * 1000000l};
    return (int)syscall(SYS_ppoll, fds, count, timeout < 0 ? NULL : &limit, NULL, 0);
  }
  pthread_mutex_lock(&clock_lock);
  virtual_clock.is_idle = true;
  pthread_cond_broadcast(&clock_changed);
  while (!clock_is_due()) pthread_cond_wait(&clock_changed, &clock_lock);
  virtual_clock.is_idle = false;
  pthread_mutex_unlock(&clock_lock);
  return 1;
}

/// Stops both clocks.
static void clock_start(void) {
  pthread_mutex_lock(&clock_lock);
  virtual_clock.now[STEADY] = kernel_nanoseconds(CLOCK_MONOTONIC);
  virtual_clock.now[SYSTEM] = kernel_nanoseconds(CLOCK_REALTIME);
  virtual_clock.has_started = true;
  pthread_mutex_unlock(&clock_lock);
}

/// Lets time pass, sets the system's clock by `step` as well, and waits until the thread `timer` has done what is due.
static void clock_advance(uint64_t nanoseconds, int64_t step) {
  pthread_mutex_lock(&clock_lock);
  virtual_clock.now[STEADY] += nanoseconds;
  virtual_clock.now[SYSTEM] += nanoseconds + (uint64_t)step;
  pthread_cond_broadcast(&clock_changed);
  while (clock_is_due() || !virtual_clock.is_idle) pthread_cond_wait(&clock_changed, &clock_lock);
  pthread_mutex_unlock(&clock_lock);
}

/// Both clocks are the kernel's again.
static void clock_end(void) {
  pthread_mutex_lock(&clock_lock);
  virtual_clock.has_started = false;
  pthread_mutex_unlock(&clock_lock);
}

#endif
