// C interface, floor 5: lines of GPIO chips whose edges interrupt (docs/gpio.md, whose facts are G1 to G15). Programs
// open chips and make lines on the caller's thread at PASSIVE level, without a lock. Service routines ask for a line's
// edges, on the dispatcher's thread with the interrupt lock held; its level and dropped edges any thread may ask for.
#ifndef INTERRUPTSYNC_GPIO_H
#define INTERRUPTSYNC_GPIO_H

#include "base.h"

INTERRUPTSYNC_BEGIN

/// Which edges interrupt. Of a line that is active low, rising means that it becomes active.
enum {
  INTERRUPTSYNC_GPIO_BOTH = 0,
  INTERRUPTSYNC_GPIO_RISING = 1,
  INTERRUPTSYNC_GPIO_FALLING = 2,
};

/// What pulls the line while nothing drives it. A chip that cannot ignores it (G9).
enum {
  INTERRUPTSYNC_GPIO_AS_IS = 0,
  INTERRUPTSYNC_GPIO_BIAS_DISABLED = 1,
  INTERRUPTSYNC_GPIO_PULL_UP = 2,
  INTERRUPTSYNC_GPIO_PULL_DOWN = 3,
};

/// Which clock an edge's timestamp is of.
enum {
  INTERRUPTSYNC_GPIO_MONOTONIC = 0,
  INTERRUPTSYNC_GPIO_REALTIME = 1,
  /// The hardware's own, where the kernel has a driver for it (G9).
  INTERRUPTSYNC_GPIO_HARDWARE = 2,
};

typedef struct interruptsync_gpio_options {
  size_t size;
  uint32_t edges;
  uint32_t bias;
  uint32_t clock;
  /// How long a level must last to be one, in microseconds; 0 does not debounce (G11).
  uint32_t debounce;
  /// Edges that the kernel keeps until they are read, at most 1,024; 0 means 64. One that does not fit drops the
  /// oldest, which is counted (G5).
  uint32_t buffer;
  /// A low level counts as active: levels and edges are the other way round.
  bool active_low;
  uint8_t reserved[3];
  /// The user that the kernel names for the line: at most 31 bytes, without a slash. Empty means
  /// interruptsync.CHIP.OFFSET.
  char consumer[32];
} interruptsync_gpio_options;

typedef struct interruptsync_gpio_edge {
  /// Nanoseconds of the clock that was asked for.
  uint64_t nanoseconds;
  /// Since the line was made, modulo 2^32, from 1. A gap is what the kernel dropped (G5).
  uint32_t number;
  /// 1 when the line became active, else 0. With INTERRUPTSYNC_GPIO_BOTH the kernel reads the level a moment after the
  /// edge: of two that follow closely, both may be the later one (G12).
  uint32_t rising;
} interruptsync_gpio_edge;

typedef struct interruptsync_gpio_info {
  size_t size;
  /// Edges that the kernel dropped because its buffer was full (G5). They count as interrupts.
  uint64_t dropped;
  uint32_t offset;
  uint32_t reserved;
  /// The chip's name, such as "gpiochip0", and its label.
  char chip[32];
  char label[32];
} interruptsync_gpio_info;

/// Finds the line that the board calls `name` on a chip: its node, its name or its label.
/// Errors: -ENOENT (no such chip or line), -ENOTUNIQ (two chips have the label, or two lines the name), -EACCES (G3),
/// -EOPNOTSUPP (a kernel before 5.10, G1), -EINVAL (also: a node that is no GPIO chip).
int interruptsync_gpio_find(const char *chip, const char *name, uint32_t *offset);

/// Requests a line of a chip, and shows that it can interrupt. Its edges are on while an object is connected, and off
/// while the storm brake holds it. Connecting dispatches the object once, with the edges that have come by then, or
/// none. The line is yours until its last reference goes. NULL options are the defaults: both edges.
/// Errors: as interruptsync_gpio_find(); -ENOENT (no such offset), -EBUSY (a program or driver has the line or its
/// interrupt, G6, G8), -ENXIO (it cannot interrupt), -EOPNOTSUPP (no such setting, G9), -ENODEV (the chip has gone),
/// -EMFILE, -ENOMEM.
int interruptsync_gpio_line(const char *chip, uint32_t offset, const interruptsync_gpio_options *options,
                            interruptsync_line **line);

/// The line's level: 1 when it is active, 0 when it is not; debounced, if the line is (G13).
/// Level: any. A routine may ask, if the chip answers at once, as one of the processor's own does.
/// Errors: -EOPNOTSUPP (not a line of a GPIO chip), -ENODEV, -EIO, -ECHILD (base.h), -EINVAL.
int interruptsync_gpio_value(interruptsync_line *line);

/// The edges that the dispatch under way is for, oldest first: fills at most `capacity` and returns how many there are.
/// Level: DEVICE, inside a service routine of the object on the line. Elsewhere there are none.
/// Errors: -EOPNOTSUPP (not a line of a GPIO chip), -EINVAL.
int interruptsync_gpio_edges(interruptsync_line *line, interruptsync_gpio_edge *edges, uint32_t capacity);

/// Level: any.
/// Errors: -EOPNOTSUPP (not a line of a GPIO chip), -EINVAL.
int interruptsync_gpio_get_info(interruptsync_line *line, interruptsync_gpio_info *info);

INTERRUPTSYNC_END

#endif
