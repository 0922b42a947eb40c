// Floor 0: a fixed ring of records, one for each dispatch, from one writer to one reader that takes no lock.
// Dispatch.swift notes a record on the serving thread with the interrupt lock held, in memory that nothing else reads,
// and puts it into a ring of this process without that lock. The thread `observers` reads it (DispatchObserver.swift)
// and copies into the observers' rings (SharedRing), which a client's thread reads in its own process (InterruptRing).
// A full ring drops the new record and counts it.
#ifndef CUIO_RING_H
#define CUIO_RING_H

#include "cuio_lock.h"

#define CUIO_RING_CAPTURES 8
#define CUIO_RING_MAGIC 0x676e697270757274u /* "turpring" */
#define CUIO_RING_VERSION 1
/// Where the entries begin in shared memory, in bytes.
#define CUIO_RING_ENTRIES 4096

typedef struct cuio_ring_entry {
  /// Interrupts of this dispatch, and of all so far.
  uint64_t count, total;
  /// Nanoseconds of CLOCK_MONOTONIC.
  uint64_t time;
  /// Events dropped so far.
  uint64_t dropped;
  uint32_t claimed;
  /// How many of `captured` mean something.
  uint32_t captures;
  uint64_t captured[CUIO_RING_CAPTURES];
} cuio_ring_entry;

/// What writer and reader share, each its own cache lines.
typedef struct cuio_ring_page {
  uint64_t magic;
  uint32_t version;
  /// sizeof(cuio_ring_entry).
  uint32_t entry_size;
  /// Number of entries, a power of two.
  uint64_t capacity;
  uint64_t reserved[5];
  /// The writer's, for the reader to look at.
  uint64_t written, dropped;
  /// Not 0: nothing will be written any more.
  uint32_t ended;
  uint32_t reserved_writer[11];
  /// The reader's. A writer that shares memory with another process takes them for hints.
  uint64_t read;
  /// Up: the reader sleeps until its eventfd is signalled.
  uint32_t asleep;
  uint32_t reserved_reader[13];
} cuio_ring_page;

/// What a ring's writer knows of it.
typedef struct cuio_ring {
  cuio_ring_page *LINUX_NONNULL page;
  cuio_ring_entry *LINUX_NONNULL entries;
  /// Number of entries less 1.
  uint64_t mask;
  /// The writer's own: what stands in the page may have been changed by another process.
  uint64_t written, dropped;
  /// What cuio_ring_note() notes: so many values, on cache lines that the reader does not touch. Nil in a ring that is
  /// only copied to.
  uint64_t *LINUX_NULLABLE noted;
  uint32_t captures;
  /// Rung by cuio_ring_leave(); nil where the reader is not woken that way.
  cuio_bell *LINUX_NULLABLE bell;
} cuio_ring;

/// Values that go with each record: what the routines captured, or what a line says about its last read.
typedef struct cuio_captures {
  const uint64_t *LINUX_NULLABLE values;
  /// At most CUIO_RING_CAPTURES are taken.
  uint32_t count;
} cuio_captures;

/// Says that nothing will be written any more. The caller wakes the reader.
void cuio_ring_end(cuio_ring *LINUX_NONNULL ring);

/// Prepares a page for `capacity` entries.
void cuio_ring_format(cuio_ring_page *LINUX_NONNULL page, uint64_t capacity);

/// Whether a page that another process made is one of `size` bytes with its entries that this version reads.
bool cuio_ring_is_valid(const cuio_ring_page *LINUX_NONNULL page, uint64_t size);

/// Publishes `ring` as the one that dispatches write, or with nil none. Any thread, without the lock: a dispatch that
/// began before may still write the former ring, whose memory therefore lasts as long as the object.
void cuio_ring_publish(cuio_ring *LINUX_NULLABLE *LINUX_NONNULL slot, cuio_ring *LINUX_NULLABLE ring);

/// Whether a ring is published. By a dispatch, which then calls cuio_ring_note().
LINUX_HOT static inline bool cuio_ring_is_published(cuio_ring *LINUX_NULLABLE *LINUX_NONNULL slot) {
  return !LINUX_LIKELY(!__atomic_load_n(slot, __ATOMIC_RELAXED));
}

/// Begins the record of a dispatch for the ring that `slot` publishes: notes the values that go with it. With the
/// interrupt lock held; touches no memory that another processor writes, so that a hold is no longer with observers than
/// without. Returns the ring for cuio_ring_leave(), or nil where none is published any more.
__attribute__((always_inline)) LINUX_HOT static inline cuio_ring *LINUX_NULLABLE cuio_ring_note(
    cuio_ring *LINUX_NULLABLE *LINUX_NONNULL slot, const cuio_captures *LINUX_NONNULL captures) {
  cuio_ring *ring = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
  if (!ring) return NULL;
  uint32_t count = captures->count < CUIO_RING_CAPTURES ? captures->count : CUIO_RING_CAPTURES;
  // Written where it changes: the reader's processor has the line as well.
  if (ring->captures != count) ring->captures = count;
  for (uint32_t i = 0; i < count; i++) ring->noted[i] = captures->values[i];
  return ring;
}

/// cuio_lock_leave(), then puts the record into the ring, if there is one, with the present time, and rings the bell.
/// `total` is read with the lock held. By the thread that noted it.
LINUX_HOT void cuio_ring_leave(cuio_ring *LINUX_NULLABLE ring, cuio_lock *LINUX_NONNULL lock, int32_t level,
                               uint64_t count, const uint64_t *LINUX_NONNULL total, bool claimed);

/// Records written so far. Sequentially consistent: after cuio_bell_sleep() it shows what no bell was rung for, and what
/// the caller reads next is not older.
uint64_t cuio_ring_written(const cuio_ring *LINUX_NONNULL ring);

/// The records that wait, without taking them: `*first` is the number of the oldest. Returns how many follow it without
/// a turn of the ring. By the reader.
uint64_t cuio_ring_waiting(const cuio_ring *LINUX_NONNULL ring, uint64_t *LINUX_NONNULL first);

/// Takes `count` records that cuio_ring_waiting() showed. By the reader.
void cuio_ring_release(cuio_ring *LINUX_NONNULL ring, uint64_t count);

/// Copies records into the ring of an observer, who may have written anything into its page. `dropped` counts what the
/// ring that the records come from has dropped until now, `base` what it had dropped when the observer began: the
/// observer misses the difference besides what its own ring drops.
void cuio_ring_copy(cuio_ring *LINUX_NONNULL ring, const cuio_ring_entry *LINUX_NULLABLE records, uint64_t count,
                    uint64_t base, uint64_t dropped);

/// Whether the observer sleeps and has to be woken. Asked once after each cuio_ring_copy().
bool cuio_ring_must_wake(cuio_ring *LINUX_NONNULL ring);

/// Takes the oldest event. False when there is none. One reader at a time. `mask`: entries less 1.
bool cuio_ring_take(cuio_ring_page *LINUX_NONNULL page, const cuio_ring_entry *LINUX_NONNULL entries, uint64_t mask,
                    cuio_ring_entry *LINUX_NONNULL entry);

/// Says that the reader is about to sleep. True when an event has come meanwhile, and then it must not.
bool cuio_ring_sleep(cuio_ring_page *LINUX_NONNULL page);

/// Maps the sealed file `fd` of a ring that another process made, writable, at `*page`, and tells its size. Returns 0 or
/// -errno: -EBADMSG for what is no such ring, or could be cut short.
int cuio_ring_map(int fd, cuio_ring_page *LINUX_NULLABLE *LINUX_NONNULL page, uint64_t *LINUX_NONNULL size);

/// Whether nothing will be written any more. Earlier events can still be taken.
bool cuio_ring_has_ended(const cuio_ring_page *LINUX_NONNULL page);

/// Events dropped so far. Any thread.
uint64_t cuio_ring_dropped(const cuio_ring_page *LINUX_NONNULL page);

/// A sealed file in memory with a formatted ring of `capacity` entries, mapped writable at `*page`. Returns the
/// descriptor or -errno.
int cuio_ring_file(uint64_t capacity, cuio_ring_page *LINUX_NULLABLE *LINUX_NONNULL page);

/// Bytes that a ring of `capacity` entries takes in shared memory.
static inline uint64_t cuio_ring_size(uint64_t capacity) {
  return CUIO_RING_ENTRIES + capacity * sizeof(cuio_ring_entry);
}

/// The entries that follow a page in shared memory.
static inline cuio_ring_entry *LINUX_NONNULL cuio_ring_entries(cuio_ring_page *LINUX_NONNULL page) {
  return (cuio_ring_entry *)(void *)((char *)page + CUIO_RING_ENTRIES);
}

#endif
