// Floor 0: one line of a chip, requested as an input: a request has one line, so that its events have one number.
// GPIOLine calls it through GPIOKernel.swift, on the thread that opens, connects or disconnects and on the dispatcher
// that brakes, without a lock; a routine calls cgpio_line_value() alone, with the interrupt lock held.
#include "cgpio_line.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

// Newer than the oldest headers that this builds with.
#ifndef GPIO_V2_LINE_FLAG_EVENT_CLOCK_HTE
#define GPIO_V2_LINE_FLAG_EVENT_CLOCK_HTE (1ull << 12)
#endif

static struct gpio_v2_line_config described(const cgpio_config *config) {
  static const uint64_t biases[] = {0, GPIO_V2_LINE_FLAG_BIAS_DISABLED, GPIO_V2_LINE_FLAG_BIAS_PULL_UP,
                                    GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN};
  static const uint64_t clocks[] = {0, GPIO_V2_LINE_FLAG_EVENT_CLOCK_REALTIME, GPIO_V2_LINE_FLAG_EVENT_CLOCK_HTE};
  struct gpio_v2_line_config described = {.flags = GPIO_V2_LINE_FLAG_INPUT};
  if (config->rising) described.flags |= GPIO_V2_LINE_FLAG_EDGE_RISING;
  if (config->falling) described.flags |= GPIO_V2_LINE_FLAG_EDGE_FALLING;
  if (config->is_active_low) described.flags |= GPIO_V2_LINE_FLAG_ACTIVE_LOW;
  described.flags |= biases[config->bias] | clocks[config->clock];
  if (config->debounce != 0) {
    described.num_attrs = 1;
    described.attrs[0].mask = 1;
    described.attrs[0].attr.id = GPIO_V2_LINE_ATTR_ID_DEBOUNCE;
    described.attrs[0].attr.debounce_period_us = config->debounce;
  }
  return described;
}

int cgpio_line_request(int chip, uint32_t offset, const char *consumer, uint32_t buffer, const cgpio_config *config) {
  struct gpio_v2_line_request request = {.num_lines = 1, .event_buffer_size = buffer, .config = described(config)};
  request.offsets[0] = offset;
  strncpy(request.consumer, consumer, sizeof request.consumer - 1);
  if (ioctl(chip, GPIO_V2_GET_LINE_IOCTL, &request) != 0) return -errno;
  // The open file is new, and no other program has it (G4): its flags are ours to set.
  int flags = fcntl(request.fd, F_GETFL);
  if (flags >= 0 && fcntl(request.fd, F_SETFL, flags | O_NONBLOCK) == 0) return request.fd;
  int error = errno;
  close(request.fd);
  return -error;
}

int cgpio_line_configure(int line, const cgpio_config *config) {
  struct gpio_v2_line_config described_config = described(config);
  return ioctl(line, GPIO_V2_LINE_SET_CONFIG_IOCTL, &described_config) == 0 ? 0 : -errno;
}

int cgpio_line_value(int line) {
  struct gpio_v2_line_values values = {.mask = 1};
  if (ioctl(line, GPIO_V2_LINE_GET_VALUES_IOCTL, &values) != 0) return -errno;
  return (values.bits & 1) != 0;
}
