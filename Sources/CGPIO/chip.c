// Floor 0: asks the kernel about a chip and its lines. GPIOChip calls it through GPIOKernel.swift when it opens a chip,
// and for each line that a program asks about. On the caller's thread at PASSIVE level, without a lock.
#include "cgpio_chip.h"

#include <errno.h>
#include <linux/gpio.h>
#include <string.h>
#include <sys/ioctl.h>

_Static_assert((int)CGPIO_NAME_SIZE == (int)GPIO_MAX_NAME_SIZE, "names are the kernel's");

// The kernel ends its names; this ends them whatever it does.
static void copy(char *to, const char *from) {
  memcpy(to, from, CGPIO_NAME_SIZE);
  to[CGPIO_NAME_SIZE - 1] = 0;
}

int cgpio_chip_info(int chip, cgpio_chip *info) {
  struct gpiochip_info answer = {0};
  if (ioctl(chip, GPIO_GET_CHIPINFO_IOCTL, &answer) != 0) return -errno;
  copy(info->name, answer.name);
  copy(info->label, answer.label);
  info->lines = answer.lines;
  return 0;
}

int cgpio_line_info_at(int chip, uint32_t offset, cgpio_line_info *info) {
  struct gpio_v2_line_info answer = {.offset = offset};
  if (ioctl(chip, GPIO_V2_GET_LINEINFO_IOCTL, &answer) != 0) return -errno;
  copy(info->name, answer.name);
  copy(info->consumer, answer.consumer);
  info->is_used = (answer.flags & GPIO_V2_LINE_FLAG_USED) != 0;
  info->is_output = (answer.flags & GPIO_V2_LINE_FLAG_OUTPUT) != 0;
  info->is_active_low = (answer.flags & GPIO_V2_LINE_FLAG_ACTIVE_LOW) != 0;
  return 0;
}
