// Floor 0: what waiting costs on this machine, measured once, to decide how long a dispatcher may spin. WaitPacer calls
// it on the thread of the dispatcher or group itself, before that serves its first line, at PASSIVE level without a
// lock; it sleeps.
#include "cuio_spin.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

static int ascending(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

uint64_t cuio_wake_cost(int samples) {
  uint64_t costs[15];
  if (samples < 1 || samples > 15) samples = 15;
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (fd < 0) return 0;
  int taken = 0;
  while (taken < samples) {
    // A timer descriptor is exact; the timeout of poll(2) itself would have the thread's timer slack in it.
    uint64_t due = linux_nanoseconds() + 50000, expired = 0;
    struct itimerspec at = {.it_value = {.tv_sec = (time_t)(due / 1000000000), .tv_nsec = (long)(due % 1000000000)}};
    if (timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, NULL) != 0) break;
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    while (poll(&polled, 1, -1) < 0 && errno == EINTR) continue;
    costs[taken++] = linux_nanoseconds() - due;
    if (read(fd, &expired, sizeof expired) < 0) break;
  }
  close(fd);
  if (taken == 0) return 0;
  qsort(costs, (size_t)taken, sizeof *costs, ascending);
  return costs[taken / 2];
}
