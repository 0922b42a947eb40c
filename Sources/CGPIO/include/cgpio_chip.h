// Floor 0: what a chip and its lines are, as values, and the calls that fill them. GPIOChip calls them through
// GPIOKernel.swift, on the caller's thread at PASSIVE level, without a lock.
#ifndef CGPIO_CHIP_H
#define CGPIO_CHIP_H

#include "linux_attributes.h"

/// Bytes of a name, its end included.
enum { CGPIO_NAME_SIZE = 32 };

typedef struct cgpio_chip {
  char name[CGPIO_NAME_SIZE];
  char label[CGPIO_NAME_SIZE];
  uint32_t lines;
} cgpio_chip;

typedef struct cgpio_line_info {
  /// As the board calls the line; empty where it does not.
  char name[CGPIO_NAME_SIZE];
  /// The user's name for itself; may be empty on a line that is used.
  char consumer[CGPIO_NAME_SIZE];
  bool is_used;
  bool is_output;
  bool is_active_low;
} cgpio_line_info;

/// -ENOTTY, or -EINVAL, for what is no GPIO chip.
int cgpio_chip_info(int chip, cgpio_chip *LINUX_NONNULL info);

/// -EINVAL for an offset that the chip has not, and from a kernel that is older than the interface (G1).
int cgpio_line_info_at(int chip, uint32_t offset, cgpio_line_info *LINUX_NONNULL info);

#endif
