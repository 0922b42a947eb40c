// Floor 0: static probes of the provider `interruptsync` (sys/sdt.h). A probe is an instruction that does nothing until
// bpftrace, perf or gdb attaches to it. Without that header, or with CUIO_WITHOUT_PROBES, there are none. The read of a
// line, Dispatch.swift, Connection+Cost.swift and StormBrake call them on the serving thread, those of a dispatch with
// the interrupt lock held; they take none.
//
// Each is a function, since Swift knows no macros that take arguments. The address of its cuio_line names a line; the
// line begins with the descriptor, and a probe that gave more would have to load it first.
#ifndef CUIO_PROBE_H
#define CUIO_PROBE_H

#include "linux_attributes.h"

#if !defined(CUIO_WITHOUT_PROBES) && defined(__has_include)
#if __has_include(<sys/sdt.h>)
#define CUIO_HAS_PROBES 1
#endif
#endif

#if defined(CUIO_HAS_PROBES)
#if defined(__clang__) && !defined(STAP_SDT_ARG_CONSTRAINT)
// Left the choice, clang stores each argument to the stack; and perf refuses a probe whose arguments are constants at one
// place and registers at another.
#define STAP_SDT_ARG_CONSTRAINT r
#endif
#include <sys/sdt.h>
#if defined(__aarch64__)
// Operands there are registers of 64 bits. Clang warns of a narrower value, and Swift's importer may crash as it does.
#define CUIO_PROBE_NUMBER(number) ((number) + INT64_C(0))
#else
#define CUIO_PROBE_NUMBER(number) (number)
#endif
#define CUIO_PROBE1(name, first) DTRACE_PROBE1(interruptsync, name, first)
#define CUIO_PROBE2(name, first, second) DTRACE_PROBE2(interruptsync, name, first, CUIO_PROBE_NUMBER(second))
#else
#define CUIO_PROBE1(name, first) ((void)(first))
#define CUIO_PROBE2(name, first, second) ((void)(first), (void)(second))
#endif

struct cuio_line;

/// A read has taken `count` interrupts from the line.
LINUX_HOT static inline void cuio_probe_interrupt_read(const struct cuio_line *LINUX_NONNULL line, uint64_t count) {
  CUIO_PROBE2(interrupt_read, line, count);
}

/// A routine has claimed the dispatch. With the lock held.
LINUX_HOT static inline void cuio_probe_dispatch_claimed(const struct cuio_line *LINUX_NONNULL line) {
  CUIO_PROBE1(dispatch_claimed, line);
}

/// No routine has. With the lock held.
LINUX_HOT static inline void cuio_probe_dispatch_unclaimed(const struct cuio_line *LINUX_NONNULL line) {
  CUIO_PROBE1(dispatch_unclaimed, line);
}

/// The line was unmasked, or with a `result` below 0, -errno, was not. With the lock held.
LINUX_HOT static inline void cuio_probe_line_rearmed(const struct cuio_line *LINUX_NONNULL line, int32_t result) {
  CUIO_PROBE2(line_rearmed, line, result);
}

/// The storm brake leaves the line masked. With the lock held.
LINUX_HOT static inline void cuio_probe_storm_masked(const struct cuio_line *LINUX_NONNULL line, uint32_t unclaimed) {
  CUIO_PROBE2(storm_masked, line, unclaimed);
}

/// The storm brake has released the line.
LINUX_HOT static inline void cuio_probe_storm_resumed(const struct cuio_line *LINUX_NONNULL line) {
  CUIO_PROBE1(storm_resumed, line);
}

#endif
