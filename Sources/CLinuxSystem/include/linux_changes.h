// Floor 0: the waiting half of a monitor, a count of changes that threads sleep on. pthread_cond_broadcast(3) of glibc
// before 2.41 may wait until threads that an earlier call woke have run; this one never waits. Monitor alone calls it,
// on any thread at PASSIVE level where it waits. A waiter reads the count with the mutex held and sleeps with it free;
// the thread that wakes has released it.
#ifndef LINUX_CHANGES_H
#define LINUX_CHANGES_H

#include "linux_attributes.h"

#include <stdint.h>

/// The count. With the monitor's mutex held.
uint32_t linux_changes_seen(const uint32_t *LINUX_NONNULL changes);

/// Sleeps unless there has been a change since `seen`. Without the mutex. May return early.
void linux_changes_wait(const uint32_t *LINUX_NONNULL changes, uint32_t seen);

/// Counts a change, with the mutex held, and wakes every sleeper.
void linux_changes_publish(uint32_t *LINUX_NONNULL changes);

#endif
