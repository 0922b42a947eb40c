// C interface, floor 5: counters. Programs read them, on any thread at any level; reading takes no interrupt lock. Each
// figure is exact; the figures of one snapshot may differ by one interrupt.
#ifndef INTERRUPTSYNC_STATISTICS_H
#define INTERRUPTSYNC_STATISTICS_H

#include "base.h"

INTERRUPTSYNC_BEGIN

/// Counters of an object since its creation. Disconnecting does not reset them (N13, N19).
typedef struct interruptsync_statistics {
  size_t size;
  /// Interrupts that the kernel counted, and dispatches that ran the routines for them.
  uint64_t interrupts;
  uint64_t dispatches;
  /// Interrupts that shared a dispatch with another one; an upper bound on a PCI line (fact 44).
  uint64_t coalesced;
  /// Dispatches that a routine claimed, and dispatches that none claimed.
  uint64_t claimed;
  uint64_t unclaimed;
  /// Walks of the list. Only mode repeat makes more than one for a dispatch.
  uint64_t passes;
  uint64_t rearm_failures;
  /// Storms that the brake stopped, and dispatches that the repeat limit ended (N20).
  uint64_t storms;
  uint64_t repeat_limits;
  /// Synchronized routines that ran, and calls refused because the thread already held the lock (N4).
  uint64_t synchronized_calls;
  uint64_t refused_calls;
  /// Longest time a dispatch held the lock, and longest wait for it by anyone, in nanoseconds (N6).
  uint64_t longest_hold;
  uint64_t longest_wait;
  /// Routines in the list.
  uint64_t routine_count;
  /// Times the dispatcher's thread kept reading and found an interrupt, times it found none, and times it slept. In a
  /// group these stay 0, as the group counts for its thread (interruptsync_group_get_statistics()).
  uint64_t spins_found;
  uint64_t spins_in_vain;
  uint64_t sleeps;
  /// Those of the storms whose routines claimed.
  uint64_t claimed_storms;
} interruptsync_statistics;

/// Counters of one registration.
typedef struct interruptsync_registration_statistics {
  size_t size;
  uint64_t calls;
  uint64_t claims;
} interruptsync_registration_statistics;

/// Counters of a lock.
typedef struct interruptsync_lock_statistics {
  size_t size;
  /// Acquisitions that had to wait, and the longest wait in nanoseconds.
  uint64_t contentions;
  uint64_t longest_wait;
} interruptsync_lock_statistics;

/// Errors: -EINVAL (also: `statistics->size` is not a size of this struct).
int interruptsync_object_get_statistics(interruptsync_object *object, interruptsync_statistics *statistics);
int interruptsync_registration_get_statistics(interruptsync_registration *registration,
                                              interruptsync_registration_statistics *statistics);
int interruptsync_lock_get_statistics(interruptsync_lock *lock, interruptsync_lock_statistics *statistics);

INTERRUPTSYNC_END

#endif
