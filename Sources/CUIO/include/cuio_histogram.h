// Floor 0. Histograms of times: how often each length came. Log-linear buckets of a fixed size: eight to each doubling,
// from 0 to 2^63 ticks of linux_clock.h, so that a bucket is at most 2/15 wider than its smallest value. One writer at a
// time and any number of readers, as cuio_counter.h has it: a reader never waits, and the figures of one look may be a
// dispatch apart.
#ifndef CUIO_HISTOGRAM_H
#define CUIO_HISTOGRAM_H

#include "cuio_counter.h"
#include "linux_clock.h"

#include <string.h>

/// Buckets to a doubling, and of all.
#define CUIO_HISTOGRAM_STEPS 8
#define CUIO_HISTOGRAM_BUCKETS 512

typedef struct cuio_histogram {
  /// Ticks of all that was recorded.
  uint64_t sum;
  /// By cuio_histogram_slot(). Read them by cuio_histogram_count(), which has them in order.
  uint64_t slots[CUIO_HISTOGRAM_BUCKETS];
} cuio_histogram;

/// What the dispatches of one object leave. The serving thread writes it after it has released the lock, on cache lines
/// that no other thread writes.
typedef struct cuio_histograms {
  /// When the last dispatch began, in ticks; 0: none has.
  uint64_t last_start;
  /// When what the present dispatch is for happened, in nanoseconds of CLOCK_MONOTONIC, or 0 where that is not known: of a
  /// line that has a clock, or `noted`. Nil where neither is. Written with the lock held.
  const uint64_t *LINUX_NULLABLE cause;
  /// What a routine of the present dispatch has said, or 0. It goes before what the line says.
  uint64_t noted;
  /// From the start of a dispatch to its end, from one start to the next, and from the cause to the start.
  cuio_histogram service, interval, latency;
} cuio_histograms;

// The exponent and three bits of the mantissa of the time as a floating-point number: a conversion and a shift, without a
// branch. Every 64-bit value has a slot, also the difference of two clocks that are not quite alike.
LINUX_HOT static inline uint64_t cuio_histogram_slot(uint64_t ticks) {
  double value = (double)(int64_t)(ticks + 1);
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits >> 49 & (CUIO_HISTOGRAM_BUCKETS - 1);
}

/// Records one time. By the one writer.
LINUX_HOT static inline void cuio_histogram_add(cuio_histogram *LINUX_NONNULL histogram, uint64_t ticks) {
  cuio_counter_add(&histogram->slots[cuio_histogram_slot(ticks)], 1);
  cuio_counter_add(&histogram->sum, ticks);
}

/// How often the times of bucket `index` came; 0 is the bucket of the shortest. Any thread.
uint64_t cuio_histogram_count(const cuio_histogram *LINUX_NONNULL histogram, uint32_t index);

/// The smallest time of bucket `index`, in ticks: the bucket reaches up to that of the next. CUIO_HISTOGRAM_BUCKETS is
/// where the last one ends. A few of the shortest times have buckets of no width, which nothing falls into.
uint64_t cuio_histogram_start(uint32_t index);

/// Empties it. While no thread writes it.
void cuio_histogram_clear(cuio_histogram *LINUX_NONNULL histogram);

/// Notes when the cause of the present dispatch happened. By one of its routines, which holds the lock.
void cuio_histograms_note_cause(cuio_histograms *LINUX_NONNULL histograms, uint64_t nanoseconds);

// The latency of a dispatch whose cause has a time.
LINUX_HOT void cuio_histograms_add_latency(cuio_histograms *LINUX_NONNULL histograms, uint64_t start);

/// Records a dispatch that began and ended at these ticks. By the thread that serves the line, without the lock.
LINUX_HOT static inline void cuio_histograms_record(cuio_histograms *LINUX_NONNULL histograms, uint64_t start,
                                                    uint64_t end) {
  uint64_t last = histograms->last_start;
  histograms->last_start = start;
  cuio_histogram_add(&histograms->service, end - start);
  if (LINUX_LIKELY(last)) cuio_histogram_add(&histograms->interval, start - last);
  if (!LINUX_LIKELY(!histograms->cause)) cuio_histograms_add_latency(histograms, start);
}

#endif
