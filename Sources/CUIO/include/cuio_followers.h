// Floor 0. What a dispatch leaves something for, besides its counters: bits of one byte, at which it looks once. Any
// thread changes them, without the lock; a dispatch that began before may miss it.
#ifndef CUIO_FOLLOWERS_H
#define CUIO_FOLLOWERS_H

#include "linux_attributes.h"

enum {
  /// A ring of records is published (cuio_ring.h).
  CUIO_FOLLOWERS_RECORDS = 1,
  /// Times are kept (cuio_histogram.h).
  CUIO_FOLLOWERS_TIMES = 2,
};

/// Whether there is any. By a dispatch.
LINUX_HOT static inline bool cuio_followers_exist(const uint8_t *LINUX_NONNULL followers) {
  return !LINUX_LIKELY(!__atomic_load_n(followers, __ATOMIC_RELAXED));
}

static inline void cuio_followers_add(uint8_t *LINUX_NONNULL followers, uint8_t which) {
  __atomic_fetch_or(followers, which, __ATOMIC_RELAXED);
}

static inline void cuio_followers_remove(uint8_t *LINUX_NONNULL followers, uint8_t which) {
  __atomic_fetch_and(followers, (uint8_t)~which, __ATOMIC_RELAXED);
}

#endif
