// Floor 0: ticks for statistics, from the processor's own counter where it is constant, else nanoseconds of the
// kernel's clock. The interrupt lock, dispatches, spinning, LivenessGate, brakes and timers call it: any thread, also
// with the interrupt lock held; it takes none.
#ifndef LINUX_CLOCK_H
#define LINUX_CLOCK_H

#include "linux_attributes.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

/// Whether ticks come from the processor's counter (constant rate, all cores alike).
extern bool linux_clock_has_counter;

/// Nanoseconds of CLOCK_MONOTONIC.
LINUX_HOT uint64_t linux_nanoseconds(void);

/// Now, in ticks of no stated length. Differences become time through linux_ticks_to_nanoseconds().
LINUX_HOT static inline uint64_t linux_ticks(void) {
#if defined(__x86_64__)
  if (LINUX_LIKELY(linux_clock_has_counter)) return __rdtsc();
#elif defined(__aarch64__)
  uint64_t ticks;
  __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
  return ticks;
#endif
  return linux_nanoseconds();
}

/// Tells the processor that this is a loop that waits.
LINUX_HOT static inline void linux_relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory");
#endif
}

/// Between two reads. More would add to the latency, fewer would keep the writer of an eventfd from its lock.
LINUX_HOT static inline void linux_relax_between_reads(void) {
  for (int i = 0; i < 4; i++) linux_relax();
}

/// Converts a difference of ticks. Accurate to about 0.1 % from the first millisecond of the process on.
uint64_t linux_ticks_to_nanoseconds(uint64_t ticks);

/// Ticks in about `nanoseconds`.
uint64_t linux_nanoseconds_to_ticks(uint64_t nanoseconds);

#endif
