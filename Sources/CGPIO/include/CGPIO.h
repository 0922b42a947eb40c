// Floor 0: the GPIO character device's calls, version 2 (linux/gpio.h, kernel 5.10), one function a call. Every error
// is a -errno; nothing here logs or decides. The target GPIO calls it where chips are opened and lines requested,
// masked and unmasked: on any thread, and with an interrupt lock held for cgpio_line_value() alone. None of it lies
// between a count and its re-arm.
#ifndef CGPIO_H
#define CGPIO_H

#include "cgpio_chip.h"
#include "cgpio_line.h"

#endif
