// Floor 0: descriptors for signals and timers, so that one poll waits for everything. The daemon's control thread,
// interruptsyncctl's main thread and LinuxSystem's event loop (control, `vfio notices`) call it, each thread for its
// own descriptors. No lock.
#ifndef LINUX_CONTROL_H
#define LINUX_CONTROL_H

#include "linux_attributes.h"

/// Blocks `signals` for the calling thread and those it starts later, and gives a descriptor they arrive at.
/// Returns it, non-blocking and close-on-exec, or -errno.
int linux_signal_create(const int *LINUX_NONNULL signals, size_t count);

/// A number that no other process had or will have, even under the same process id: the inode of its process
/// descriptor, on kernels that number those (6.9 and later). Returns 0, or -errno; -EOPNOTSUPP on other kernels.
int linux_process_identity(uint64_t *LINUX_NONNULL identity);

/// The number of the next signal, or -EAGAIN.
int linux_signal_read(int fd);

/// A timerfd on CLOCK_MONOTONIC that fires every `period_ns` nanoseconds; 0: not before linux_timer_arm(). Returns its
/// descriptor, non-blocking and close-on-exec, or -errno.
int linux_timer_create(uint64_t period_ns);

/// Fires once, at `nanoseconds` of CLOCK_MONOTONIC; 0: never. Returns 0 or -errno.
int linux_timer_arm(int fd, uint64_t nanoseconds);

/// How often it fired since the last read; 0 when it did not.
uint64_t linux_timer_read(int fd);

#endif
