// The interrupts that gpio-sim simulates: the kernel's irq_sim.c, which Debian does not build (CONFIG_IRQ_SIM), as a
// part of the module. The kernel exports no irq_to_desc(), so the descriptor comes from the interrupt's data.
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdesc.h>

#define irq_to_desc(number) irq_data_to_desc(irq_get_irq_data(number))

#include "irq_sim.c"
