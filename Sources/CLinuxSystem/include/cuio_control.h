// Floor 0: descriptors for a control thread, signals and a clock, so that one poll waits for everything. The daemon's
// control thread and interruptsyncctl's main thread use them; no lock.
#ifndef CUIO_CONTROL_H
#define CUIO_CONTROL_H

#include "cuio_attributes.h"

/// Blocks `signals` for the calling thread and those it starts later, and gives a descriptor they arrive at.
/// Returns it, non-blocking and close-on-exec, or -errno.
int cuio_signal_create(const int *CUIO_NONNULL signals, size_t count);

/// A number that no other process had or will have, even under the same process id: the inode of its process
/// descriptor, on kernels that number those (6.9 and later). Returns 0, or -errno; -EOPNOTSUPP on other kernels.
int cuio_process_identity(uint64_t *CUIO_NONNULL identity);

/// The number of the next signal, or -EAGAIN.
int cuio_signal_read(int fd);

/// A clock that ticks every `period_ns` nanoseconds of CLOCK_MONOTONIC. Returns its descriptor or -errno.
int cuio_timer_create(uint64_t period_ns);

/// Ticks since the last read; 0 when there is none.
uint64_t cuio_timer_read(int fd);

#endif
