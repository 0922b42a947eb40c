// Floor 0: a requested line: its edges switched on and off, and its level. GPIOLine calls it through GPIOKernel.swift:
// to request on the caller's thread, to configure on the thread that connects or disconnects and on the dispatcher that
// brakes. Without an interrupt lock, but for cgpio_line_value(), which a routine may call, and cgpio_line_configure()
// where an object ends inside a routine.
#ifndef CGPIO_LINE_H
#define CGPIO_LINE_H

#include "linux_attributes.h"

typedef enum { CGPIO_BIAS_AS_IS = 0, CGPIO_BIAS_DISABLED, CGPIO_BIAS_PULL_UP, CGPIO_BIAS_PULL_DOWN } cgpio_bias;

typedef enum { CGPIO_CLOCK_MONOTONIC = 0, CGPIO_CLOCK_REALTIME, CGPIO_CLOCK_HARDWARE } cgpio_clock;

/// How a line is requested. Without an edge it is an input that does not interrupt.
typedef struct cgpio_config {
  bool rising;
  bool falling;
  bool is_active_low;
  cgpio_bias bias;
  cgpio_clock clock;
  /// Microseconds; 0 does not debounce.
  uint32_t debounce;
} cgpio_config;

/// Requests a line as an input. `buffer` is how many events the kernel keeps, `consumer` the user that it names for the
/// line. Returns its descriptor, close-on-exec and non-blocking, or -errno: -EBUSY (it is used), -ENXIO (it cannot
/// interrupt), -EINVAL, -EOPNOTSUPP (no such clock).
int cgpio_line_request(int chip, uint32_t offset, const char *LINUX_NONNULL consumer, uint32_t buffer,
                       const cgpio_config *LINUX_NONNULL config);

/// Changes how the line interrupts. The kernel may wait for its own interrupt handler (G7), so a dispatch does not call
/// it; with an interrupt lock held it comes only where an object ends inside a routine and its line has ended before.
int cgpio_line_configure(int line, const cgpio_config *LINUX_NONNULL config);

/// The level: 1 when it is active, 0 when it is not, or -errno.
int cgpio_line_value(int line);

#endif
