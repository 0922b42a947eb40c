// SPDX-License-Identifier: GPL-2.0-only
/*
 * Four UIO devices of one parent, as drivers of chips with several event lines
 * make them. Two of them have one name. Each is registered and unregistered
 * by the attribute of its number. (The rest of the project is Apache-2.0; a
 * kernel module that uses UIO has to be GPL.)
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/uio_driver.h>

#define SIBLINGS 4

static struct platform_device *parent;
static DEFINE_MUTEX(lock);
static bool registered[SIBLINGS];
static struct uio_info siblings[SIBLINGS] = {
	{ .name = "evt 0", .version = "1", .irq = UIO_IRQ_CUSTOM },
	{ .name = "evt/1", .version = "1", .irq = UIO_IRQ_CUSTOM },
	{ .name = "evt", .version = "1", .irq = UIO_IRQ_CUSTOM },
	{ .name = "evt", .version = "1", .irq = UIO_IRQ_CUSTOM },
};

static int set_registered(int i, bool wanted)
{
	int error = 0;

	mutex_lock(&lock);
	if (wanted && !registered[i]) {
		error = uio_register_device(&parent->dev, &siblings[i]);
		registered[i] = !error;
	} else if (!wanted && registered[i]) {
		uio_unregister_device(&siblings[i]);
		registered[i] = false;
	}
	mutex_unlock(&lock);
	return error;
}

#define SIBLING(number)							\
static ssize_t registered##number##_store(struct device *dev,		\
					  struct device_attribute *attr,	\
					  const char *text, size_t size)	\
{									\
	bool wanted;							\
	int error = kstrtobool(text, &wanted);				\
									\
	if (!error)							\
		error = set_registered(number, wanted);			\
	return error ?: size;						\
}									\
static DEVICE_ATTR_WO(registered##number)

SIBLING(0);
SIBLING(1);
SIBLING(2);
SIBLING(3);

static struct attribute *siblings_attrs[] = {
	&dev_attr_registered0.attr, &dev_attr_registered1.attr,
	&dev_attr_registered2.attr, &dev_attr_registered3.attr, NULL,
};
ATTRIBUTE_GROUPS(siblings);

static void siblings_exit(void)
{
	int i;

	for (i = 0; i < SIBLINGS; i++)
		set_registered(i, false);
	platform_device_unregister(parent);
}

static int __init siblings_init(void)
{
	int error, i;

	parent = platform_device_alloc("uio-chip", PLATFORM_DEVID_NONE);
	if (!parent)
		return -ENOMEM;
	parent->dev.groups = siblings_groups;
	error = platform_device_add(parent);
	if (error) {
		platform_device_put(parent);
		return error;
	}
	for (i = 0; !error && i < SIBLINGS; i++)
		error = set_registered(i, true);
	if (error)
		siblings_exit();
	return error;
}

module_init(siblings_init);
module_exit(siblings_exit);
MODULE_DESCRIPTION("Several UIO devices of one parent");
MODULE_LICENSE("GPL");
