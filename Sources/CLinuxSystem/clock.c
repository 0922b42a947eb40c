// Floor 0: CLOCK_MONOTONIC and the processor's counter. The lock, dispatches, brakes, statistics, timers and the
// journal call it, on any thread, also with the interrupt lock held; it takes none. The rate of the counter is measured
// over the life of the process.
#include "linux_clock.h"

#include "linux_pause.h"

#include <time.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

bool linux_clock_has_counter;
static uint64_t start_ticks, start_ns;

uint64_t linux_nanoseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return LINUX_PAUSE_CLOCK((uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec);
}

__attribute__((constructor)) static void start_clock(void) {
#if defined(__x86_64__)
  // Leaf 0x80000007, EDX bit 8: the counter's rate does not change with power states.
  unsigned a, b, c, d;
  linux_clock_has_counter = __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & 1u << 8);
#elif defined(__aarch64__)
  linux_clock_has_counter = true;
#endif
  start_ns = linux_nanoseconds();
  start_ticks = linux_ticks();
}

// The rate is taken over the whole life of the process, so that no start-up time is spent on measuring it.
static double nanoseconds_per_tick(void) {
  if (!linux_clock_has_counter) return 1.0;
#if defined(__aarch64__)
  uint64_t hertz;
  __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hertz));
  return 1e9 / (double)hertz;
#else
  uint64_t ns;
  do {
    ns = linux_nanoseconds() - start_ns;
  } while (ns < 1000000);
  return (double)ns / (double)(linux_ticks() - start_ticks);
#endif
}

// A double beyond 64 bits has no defined integer: what is too long stays the longest time there is.
static uint64_t rounded(double value) { return value < 0x1p64 ? (uint64_t)value : UINT64_MAX; }

uint64_t linux_ticks_to_nanoseconds(uint64_t ticks) { return rounded((double)ticks * nanoseconds_per_tick()); }

uint64_t linux_nanoseconds_to_ticks(uint64_t nanoseconds) {
  return rounded((double)nanoseconds / nanoseconds_per_tick());
}
