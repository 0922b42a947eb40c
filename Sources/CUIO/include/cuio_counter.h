// Floor 0: counters and flags in memory that threads share. A counter has one writer at a time, the thread that holds
// the object's interrupt lock or serves the line; any thread reads it, at any level. Dispatch.swift, the lock and the
// edges write, statistics read. Relaxed atomics, no lock: a reader never waits and never sees a torn value, and the
// writer pays a plain load and store. Any thread raises a flag.
#ifndef CUIO_COUNTER_H
#define CUIO_COUNTER_H

#include "linux_attributes.h"

LINUX_HOT static inline uint64_t cuio_counter_read(const uint64_t *LINUX_NONNULL counter) {
  return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

LINUX_HOT static inline void cuio_counter_set(uint64_t *LINUX_NONNULL counter, uint64_t value) {
  __atomic_store_n(counter, value, __ATOMIC_RELAXED);
}

LINUX_HOT static inline void cuio_counter_add(uint64_t *LINUX_NONNULL counter, uint64_t amount) {
  cuio_counter_set(counter, cuio_counter_read(counter) + amount);
}

/// Keeps the larger of the two.
LINUX_HOT static inline void cuio_counter_raise(uint64_t *LINUX_NONNULL counter, uint64_t value) {
  if (value > cuio_counter_read(counter)) cuio_counter_set(counter, value);
}

/// Whether a flag set by another thread with cuio_flag_raise() is up; what that thread wrote before is visible.
LINUX_HOT static inline bool cuio_flag_is_up(const uint32_t *LINUX_NONNULL flag) {
  return __atomic_load_n(flag, __ATOMIC_ACQUIRE) != 0;
}

LINUX_HOT static inline void cuio_flag_raise(uint32_t *LINUX_NONNULL flag) {
  __atomic_store_n(flag, 1, __ATOMIC_RELEASE);
}

/// Takes a flag down. What the thread wrote before is visible to any thread that sees that.
static inline void cuio_flag_lower(uint32_t *LINUX_NONNULL flag) { __atomic_store_n(flag, 0, __ATOMIC_RELEASE); }

#endif
