// Floor 0: what histograms need besides the writer's few instructions: reading them, and the latency of lines that have
// a clock.
#include "cuio_histogram.h"

// A slot is the low bits of the exponent, whose bias is 1023, and three bits of the mantissa: the slot of the bucket of
// the shortest times is the eighth from the end.
static uint32_t slot_of(uint32_t index) {
  return (index + CUIO_HISTOGRAM_BUCKETS - CUIO_HISTOGRAM_STEPS) % CUIO_HISTOGRAM_BUCKETS;
}

uint64_t cuio_histogram_count(const cuio_histogram *histogram, uint32_t index) {
  return index < CUIO_HISTOGRAM_BUCKETS ? cuio_counter_read(&histogram->slots[slot_of(index)]) : 0;
}

uint64_t cuio_histogram_start(uint32_t index) {
  if (index >= CUIO_HISTOGRAM_BUCKETS) return UINT64_MAX;
  uint32_t doubling = index / CUIO_HISTOGRAM_STEPS;
  uint64_t eighths = CUIO_HISTOGRAM_STEPS + index % CUIO_HISTOGRAM_STEPS;
  // Recorded is one more than the time.
  return (doubling >= 3 ? eighths << (doubling - 3) : (eighths + (8u >> doubling) - 1) >> (3 - doubling)) - 1;
}

void cuio_histogram_clear(cuio_histogram *histogram) {
  for (uint32_t i = 0; i < CUIO_HISTOGRAM_BUCKETS; i++) cuio_counter_set(&histogram->slots[i], 0);
  cuio_counter_set(&histogram->sum, 0);
}

void cuio_histograms_note_cause(cuio_histograms *histograms, uint64_t nanoseconds) {
  histograms->noted = nanoseconds;
  if (!histograms->cause) histograms->cause = &histograms->noted;
}

void cuio_histograms_add_latency(cuio_histograms *histograms, uint64_t start) {
  uint64_t cause = histograms->noted ? histograms->noted : *histograms->cause;
  histograms->noted = 0;
  if (cause == 0) return;
  uint64_t since = linux_ticks() - start, now = linux_nanoseconds();
  uint64_t ticks = now > cause ? linux_nanoseconds_to_ticks(now - cause) : 0;
  // On a line that does not rest a dispatch counts from the end of the one before, and its cause may be later.
  cuio_histogram_add(&histograms->latency, ticks > since ? ticks - since : 0);
}
