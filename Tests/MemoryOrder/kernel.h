// The kernel of the explored code: see kernel.c.
#ifndef KERNEL_H
#define KERNEL_H

#include <stdint.h>

/// Before each execution: COMMAND of the one PCI function, or NULL.
void kernel_reset(uint16_t *configuration);

/// Sleeps until eventfd 0 is signalled, and takes the signal.
void kernel_sleep(void);

#endif
