// SPDX-License-Identifier: GPL-2.0-only
/*
 * The board file of the guest: hands the HPET to uio_pdrv_genirq, which on a
 * machine without device tree is told of its device by platform data.
 * Boot with hpet=disable. (The rest of the project is Apache-2.0; a kernel
 * module that uses UIO has to be GPL.)
 */
#include <linux/acpi.h>
#include <linux/ioport.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/uio_driver.h>

#define HPET_BASE 0xfed00000
#define HPET_SIZE 0x400
#define HPET_GSI  18

static struct platform_device *hpet;

static int __init uio_board_init(void)
{
	struct uio_info info = { .name = "hpet", .version = "board" };
	struct resource resources[] = {
		DEFINE_RES_MEM_NAMED(HPET_BASE, HPET_SIZE, "hpet"),
		/* Level: uio_pdrv_genirq then masks at the controller at once. */
		DEFINE_RES_NAMED(0, 1, NULL, IORESOURCE_IRQ |
					     IORESOURCE_IRQ_HIGHLEVEL),
	};
	int irq = acpi_register_gsi(NULL, HPET_GSI, ACPI_LEVEL_SENSITIVE,
				    ACPI_ACTIVE_HIGH);

	if (irq < 0)
		return irq;
	resources[1].start = irq;
	resources[1].end = irq;
	hpet = platform_device_register_resndata(NULL, "uio_pdrv_genirq", 0,
						 resources, ARRAY_SIZE(resources),
						 &info, sizeof(info));
	if (IS_ERR(hpet))
		acpi_unregister_gsi(HPET_GSI);
	return PTR_ERR_OR_ZERO(hpet);
}

static void __exit uio_board_exit(void)
{
	platform_device_unregister(hpet);
	acpi_unregister_gsi(HPET_GSI);
}

module_init(uio_board_init);
module_exit(uio_board_exit);
MODULE_SOFTDEP("pre: uio_pdrv_genirq");
MODULE_DESCRIPTION("HPET as a platform UIO device");
MODULE_LICENSE("GPL");
