// Floor 0: waiting for a count without sleeping, for a bounded time. DispatcherThread spins on its own thread;
// WaitPacer measures there, or on the group's thread, what a sleep costs, before the first line is served. The
// interrupt lock is not held, and none is taken.
#ifndef CUIO_SPIN_H
#define CUIO_SPIN_H

#include "linux_clock.h"
#include "cuio_counter.h"
#include "cuio_line.h"

#include <sched.h>

/// Reads the count again and again for `budget` ticks. With `yield_after` not 0 it lets others run every so many
/// ticks. Returns what cuio_line_read() returns, -EAGAIN when the time is over, -EINTR as soon as `stop` is up.
LINUX_HOT static inline int cuio_line_spin(cuio_line *LINUX_NONNULL line, uint64_t *LINUX_NONNULL delta,
                                           uint64_t budget, uint64_t yield_after, const uint32_t *LINUX_NONNULL stop) {
  uint64_t start = linux_ticks(), now = start, yielded = start;
  while (now - start < budget) {
    linux_relax_between_reads();
    if (cuio_flag_is_up(stop)) return -EINTR;
    int result = cuio_line_read(line, delta);
    if (result != -EAGAIN) return result;
    now = linux_ticks();
    if (yield_after != 0 && now - yielded >= yield_after) {
      sched_yield();
      yielded = now;
    }
  }
  return -EAGAIN;
}

/// Nanoseconds from an event to the first instruction of the calling thread that slept for it, as a timer shows: the
/// median of `samples` (at most 15) sleeps of 50 µs. 0 when the system has no timer to give.
uint64_t cuio_wake_cost(int samples);

#endif
