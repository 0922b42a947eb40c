// A fixed ring of interrupt events from the holder of an interrupt lock to one reader that takes no lock. A full
// ring drops the new event and counts it.
#ifndef CUIO_RING_H
#define CUIO_RING_H

#include "cuio_attributes.h"

typedef struct cuio_ring_entry {
  /// Interrupts of this dispatch, and of all so far.
  uint64_t count, total;
  /// Nanoseconds of CLOCK_MONOTONIC.
  uint64_t time;
  /// Events dropped so far.
  uint64_t dropped;
  uint32_t claimed;
} cuio_ring_entry;

typedef struct cuio_ring {
  cuio_ring_entry *CUIO_NONNULL entries;
  /// Number of entries less 1; the number is a power of two.
  uint64_t mask;
  uint64_t written, read, dropped;
  /// Up: the reader sleeps until `wake_fd` is signalled.
  uint32_t asleep;
  int32_t wake_fd;
  /// The next ring of the same sync object. Belongs to the holder of the lock.
  struct cuio_ring *CUIO_NULLABLE next;
} cuio_ring;

/// Puts an event into `ring` and every ring linked to it. With the interrupt lock held, at device level, so that a
/// wake-up goes out once the lock is free.
CUIO_HOT void cuio_ring_put(cuio_ring *CUIO_NULLABLE ring, uint64_t count, uint64_t total, bool claimed);

/// Takes the oldest event. False when there is none. One reader at a time.
bool cuio_ring_take(cuio_ring *CUIO_NONNULL ring, cuio_ring_entry *CUIO_NONNULL entry);

/// Says that the reader is about to sleep. True when an event has come meanwhile, and then it must not.
bool cuio_ring_sleep(cuio_ring *CUIO_NONNULL ring);

/// Events dropped so far. Any thread.
uint64_t cuio_ring_dropped(const cuio_ring *CUIO_NONNULL ring);

#endif
