// Floor 0: the GPIO character device's calls, version 2 (linux/gpio.h, kernel 5.10), one function a call. Every error
// is a -errno; nothing here logs or decides. The target GPIO calls it where chips are opened and lines requested,
// masked and unmasked: on any thread, without an interrupt lock. Two calls may come with it: cgpio_line_value(), for a
// routine that asks for the level, and cgpio_line_configure() where an object ends inside a routine. A dispatch itself
// calls none of it.
#ifndef CGPIO_H
#define CGPIO_H

#include "cgpio_chip.h"
#include "cgpio_line.h"

#endif
