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

// MARK: Histograms

/// Times that interruptsync_object_get_histogram() counts by their length.
enum {
  /// How long a dispatch held the lock. On a line that does not rest, from the end of the dispatch before.
  INTERRUPTSYNC_TIME_SERVICE = 1,
  /// How long a thread waited for the lock; an acquisition that found it free is not counted. Of the lock: objects that
  /// share one have the same.
  INTERRUPTSYNC_TIME_WAIT = 2,
  /// From the start of one dispatch to that of the next; a disconnect ends a series.
  INTERRUPTSYNC_TIME_INTERVAL = 3,
  /// From the cause to the start of its dispatch, where the cause has a time: an edge of a GPIO line with the monotonic
  /// clock, or what interruptsync_object_note_cause() said.
  INTERRUPTSYNC_TIME_LATENCY = 4,
};

/// Since when they are counted.
enum {
  INTERRUPTSYNC_SINCE_START = 0,
  /// The last interruptsync_object_reset_histograms().
  INTERRUPTSYNC_SINCE_RESET = 1,
  /// Between the last two calls of interruptsync_object_turn_histogram_window().
  INTERRUPTSYNC_IN_WINDOW = 2,
};

/// Times from `lower` up to, but without, `upper`, in nanoseconds: at most 2/15 of `lower` apart, or a tick of the
/// processor's counter.
typedef struct interruptsync_histogram_bucket {
  uint64_t lower;
  uint64_t upper;
  uint64_t count;
} interruptsync_histogram_bucket;

/// A histogram never has more buckets.
#define INTERRUPTSYNC_HISTOGRAM_BUCKETS 512

/// What a histogram has counted. Times are in nanoseconds; a percentile is never too short and at most 2/15 too long.
typedef struct interruptsync_histogram {
  size_t size;
  uint64_t count;
  /// Of all times, exactly.
  uint64_t sum;
  /// The time that half of them do not exceed, and so on; no time was longer than `longest`. 0 where `count` is 0.
  uint64_t p50;
  uint64_t p90;
  uint64_t p99;
  uint64_t p999;
  uint64_t longest;
  /// Buckets that are not empty.
  uint64_t bucket_count;
} interruptsync_histogram;

/// Counts times by their length from now on, for the life of the object, in 16 KiB. Costs a dispatch at most 3 %, after
/// its lock. Does nothing if it does so already.
/// Errors: -EINVAL.
int interruptsync_object_keep_histograms(interruptsync_object *object);

/// The histogram of one of INTERRUPTSYNC_TIME_…, of one of the periods. The first `capacity` buckets that are not empty go
/// to `buckets`, shortest first; `buckets` may be NULL if `capacity` is 0. Level: PASSIVE. Takes no lock that a routine
/// can hold.
/// Errors: -EINVAL (also: no such time or period, `histogram->size`), -ENODATA (histograms are not kept).
int interruptsync_object_get_histogram(interruptsync_object *object, uint32_t time, uint32_t period,
                                       interruptsync_histogram *histogram, interruptsync_histogram_bucket *buckets,
                                       size_t capacity);

/// Begins INTERRUPTSYNC_SINCE_RESET again, or ends a window and begins the next. Errors: -EINVAL, -ENODATA.
int interruptsync_object_reset_histograms(interruptsync_object *object);
int interruptsync_object_turn_histogram_window(interruptsync_object *object);

/// Inside a service routine: when the cause of the present dispatch happened, in nanoseconds of CLOCK_MONOTONIC. Does
/// nothing where histograms are not kept. Errors: -EINVAL, -EPERM (not inside a routine of this object).
int interruptsync_object_note_cause(interruptsync_object *object, uint64_t nanoseconds);

INTERRUPTSYNC_END

#endif
