// One shot after the other: what is sent, and when the routine ran. A probe may lie in memory that two processes share.
#ifndef PROBE_H
#define PROBE_H

#include <stdint.h>

/// Written by the routine, read by the signalling thread. Has its own cache line.
typedef struct probe {
  /// CLOCK_MONOTONIC in nanoseconds when the routine ran last.
  uint64_t received;
  /// Times the routine ran.
  uint64_t calls;
  /// The registers of a device that its routine has to silence, in this process.
  volatile uint32_t *_Nullable registers;
  /// Every cause that the routine has found in them.
  uint64_t causes;
  uint64_t padding[4];
} probe;

/// What a signal of a line is.
typedef enum {
  /// eventfd(2): 8 bytes that are added up.
  PROBE_EVENT,
  /// A pipe with records of 4 bytes, each the running total, as a UIO descriptor gives them.
  PROBE_TOTALS,
  /// A device behind UIO: records as above, and it is re-armed. Opened with uio_line_open().
  PROBE_UIO,
} probe_kind;

typedef struct probe_line {
  probe_kind kind;
  /// Read by the measured thread; for PROBE_EVENT the same file as `write_fd`.
  int read_fd;
  int write_fd;
  uint32_t total;
  /// PROBE_UIO: the PCI configuration space, or -1 for irqcontrol; COMMAND; and what raises an interrupt, if anything.
  int config_fd;
  uint16_t command;
  volatile uint32_t *_Nullable raise;
} probe_line;

/// The pause between a routine and the next signal: from `shortest` to `longest` nanoseconds.
typedef struct probe_pace {
  uint64_t shots;
  uint64_t shortest;
  uint64_t longest;
} probe_pace;

/// Returns 0 or -errno. The reading end is closed on exec unless `inherited`, the writing end of a pipe always.
int probe_line_open(probe_line *_Nonnull line, probe_kind kind, int inherited);
void probe_line_close(probe_line *_Nonnull line);
/// Raises one interrupt. Returns 0 or -errno.
int probe_signal(probe_line *_Nonnull line);

/// `count` probes in memory that a child process may map (`*fd`), or NULL.
probe *_Nullable probe_share(int count, int *_Nonnull fd);
/// The same memory in the child, or NULL.
probe *_Nullable probe_attach(int count, int fd);

uint64_t probe_now(void);
/// The service routine: stamps the probe at `context` and claims.
int32_t probe_stamp(void *_Nullable object, void *_Nullable context);

/// Signals lines in turn, each time the routine of the one before has run, and leaves the nanoseconds from just before
/// the signal to the routine in `samples`. Returns the shots that no routine answered within 5 seconds (their samples
/// are 0; after the fourth the rest counts as well), or -errno of a signal that failed.
int64_t probe_drive(probe_line *_Nonnull lines, probe *_Nonnull probes, int count, probe_pace pace,
                    uint64_t *_Nonnull seed, uint64_t *_Nonnull samples);

/// Signals `shots` times without a pause and waits until a routine has begun after the last.
/// Returns the nanoseconds of all this, or 0 when none came within 10 seconds.
uint64_t probe_burst(probe_line *_Nonnull line, probe *_Nonnull probe, uint64_t shots);

#endif
