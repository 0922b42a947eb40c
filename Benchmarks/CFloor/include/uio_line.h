// Devices behind UIO as driver authors reach them in C, and service routines for two that QEMU has.
#ifndef UIO_LINE_H
#define UIO_LINE_H

#include "probe.h"

#include <stddef.h>

/// Opens a device's node and, where `config` is not NULL, its PCI configuration space: a line that is re-armed there, and
/// otherwise by irqcontrol. 0 or -errno.
int uio_line_open(probe_line *_Nonnull line, const char *_Nonnull node, const char *_Nullable config);
void uio_line_close(probe_line *_Nonnull line);
/// Unmasks the line: one 16-bit write of COMMAND, or a write of 1 to the node. 0 or -errno.
int uio_line_rearm(probe_line *_Nonnull line);
/// Leaves the line masked.
void uio_line_mask(probe_line *_Nonnull line);

/// Maps `length` bytes of registers from the start of a file. NULL when they cannot be mapped.
volatile uint32_t *_Nullable uio_registers(const char *_Nonnull path, size_t length);
void uio_registers_close(volatile uint32_t *_Nonnull registers, size_t length);

/// Where QEMU's edu raises an interrupt.
#define EDU_RAISE 0x60

/// Serves an edu: stamps the probe at `context` before anything else, acknowledges what the device says and claims it.
int32_t edu_serve(void *_Nullable object, void *_Nullable context);

/// Raises `shots` interrupts of an edu without a pause, and waits until the cause of the last one was found, which is
/// another than that of those before: the device knows no number of interrupts. Nanoseconds of all this, or 0 when it
/// was not found in 10 seconds.
uint64_t edu_burst(volatile uint32_t *_Nonnull registers, probe *_Nonnull probe, uint64_t shots);

/// Interrupts of an edu that each raise the next one.
typedef struct edu_chain {
  volatile uint32_t *_Nonnull registers;
  /// Those still to be raised.
  uint64_t left;
  /// CLOCK_MONOTONIC in nanoseconds when the last one was served; 0 before.
  uint64_t ended;
} edu_chain;

/// Raises the first of `count`. Call it while the line is served.
void edu_chain_start(edu_chain *_Nonnull chain, uint64_t count);
/// When the last one was served, or 0; any thread may ask.
uint64_t edu_chain_end(const edu_chain *_Nonnull chain);
/// Serves the edu of the chain at `context`: acknowledges what it says, raises the next one, and claims.
int32_t edu_chain_serve(void *_Nullable object, void *_Nullable context);

/// Timer 1 of an HPET, which sets itself off again from its service routine.
typedef struct hpet_timer {
  volatile uint32_t *_Nonnull registers;
  /// Shots left; ticks of the main counter from the comparator's match to the routine, and how many.
  uint64_t left;
  uint32_t *_Nonnull samples;
  uint64_t taken;
  /// The next match comes so many ticks after the routine.
  uint64_t shortest, longest, seed;
  /// The match that is awaited.
  uint64_t due;
} hpet_timer;

/// Femtoseconds of a tick of the main counter.
uint32_t hpet_period(volatile const uint32_t *_Nonnull registers);
/// Sets it off for `shots`, at level, routed to `pin`. Call it while no thread serves the timer.
void hpet_start(hpet_timer *_Nonnull timer, uint64_t shots, uint32_t pin);
/// Nothing comes from it any more.
void hpet_stop(hpet_timer *_Nonnull timer);
/// Whether all shots were served; any thread may ask.
int hpet_is_done(const hpet_timer *_Nonnull timer);
/// Serves the timer at `context`: reads the main counter before anything else, acknowledges, and sets it off again.
int32_t hpet_serve(void *_Nullable object, void *_Nullable context);

#endif
