// SPDX-License-Identifier: GPL-2.0-only
/*
 * UIO devices that do what real devices seldom do, steered from user space by
 * attributes of the platform devices uio-fixture.0 to .3; README.md lists them.
 * (The rest of the project is Apache-2.0; a kernel module that uses UIO has to
 * be GPL.)
 */
#include <linux/io.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/uio_driver.h>

/* QEMU's pc-testdev: plain storage behind a port and behind real MMIO. */
#define TESTDEV_PORT 0xe0
#define TESTDEV_MMIO 0xff000000

#define LOG_SIZE 16

struct fixture {
	struct platform_device *platform;
	struct uio_info info;
	struct mutex lock;	/* registration, against raise and count */
	bool registered;
	int opens;		/* under the UIO core's own info_lock */
	int open_result;
	int irqcontrol_result;
	unsigned int irqcontrol_calls;
	s32 irqcontrol_log[LOG_SIZE];
};

static struct fixture fixtures[] = {
	{ .info = { .name = "fixture-custom", .irq = UIO_IRQ_CUSTOM } },
	{ .info = { .name = "fixture-noirq", .irq = UIO_IRQ_NONE } },
	{ .info = { .name = "fixture-unaligned", .irq = UIO_IRQ_NONE } },
	{ .info = { .name = "fixture-noirqcontrol", .irq = UIO_IRQ_CUSTOM } },
};

static struct fixture *of_info(struct uio_info *info)
{
	return container_of(info, struct fixture, info);
}

static int fixture_irqcontrol(struct uio_info *info, s32 on)
{
	struct fixture *f = of_info(info);

	f->irqcontrol_log[f->irqcontrol_calls++ % LOG_SIZE] = on;
	return f->irqcontrol_result;
}

static int fixture_open(struct uio_info *info, struct inode *inode)
{
	struct fixture *f = of_info(info);

	if (!f->open_result)
		f->opens++;
	return f->open_result;
}

static int fixture_release(struct uio_info *info, struct inode *inode)
{
	of_info(info)->opens--;
	return 0;
}

static int fixture_register(struct fixture *f)
{
	int error = uio_register_device(&f->platform->dev, &f->info);

	f->registered = !error;
	return error;
}

static void fixture_unregister(struct fixture *f)
{
	if (f->registered)
		uio_unregister_device(&f->info);
	f->registered = false;
	f->opens = 0;	/* the core calls no release hook after a removal */
}

#define FIXTURE_INT(name)						\
static ssize_t name##_show(struct device *dev,				\
			   struct device_attribute *attr, char *buf)	\
{									\
	struct fixture *f = dev_get_drvdata(dev);			\
									\
	return sysfs_emit(buf, "%d\n", f->name);			\
}									\
static ssize_t name##_store(struct device *dev,				\
			    struct device_attribute *attr,		\
			    const char *buf, size_t size)		\
{									\
	struct fixture *f = dev_get_drvdata(dev);			\
									\
	return kstrtoint(buf, 0, &f->name) ?: size;			\
}

FIXTURE_INT(open_result)
static DEVICE_ATTR_RW(open_result);
FIXTURE_INT(irqcontrol_result)
static DEVICE_ATTR_RW(irqcontrol_result);

static ssize_t opens_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	struct fixture *f = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%d\n", f->opens);
}
static DEVICE_ATTR_RO(opens);

static ssize_t irqcontrol_calls_show(struct device *dev,
				     struct device_attribute *attr, char *buf)
{
	struct fixture *f = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%u\n", f->irqcontrol_calls);
}

static ssize_t irqcontrol_calls_store(struct device *dev,
				      struct device_attribute *attr,
				      const char *buf, size_t size)
{
	struct fixture *f = dev_get_drvdata(dev);

	f->irqcontrol_calls = 0;
	return size;
}
static DEVICE_ATTR_RW(irqcontrol_calls);

static ssize_t irqcontrol_log_show(struct device *dev,
				   struct device_attribute *attr, char *buf)
{
	struct fixture *f = dev_get_drvdata(dev);
	unsigned int end = f->irqcontrol_calls;
	unsigned int i = end > LOG_SIZE ? end - LOG_SIZE : 0;
	int length = 0;

	for (; i < end; i++)
		length += sysfs_emit_at(buf, length, "%d\n",
					f->irqcontrol_log[i % LOG_SIZE]);
	return length;
}
static DEVICE_ATTR_RO(irqcontrol_log);

static ssize_t registered_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	struct fixture *f = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%d\n", f->registered);
}

static ssize_t registered_store(struct device *dev,
				struct device_attribute *attr,
				const char *buf, size_t size)
{
	struct fixture *f = dev_get_drvdata(dev);
	bool wanted;
	int error = kstrtobool(buf, &wanted);

	if (error)
		return error;
	mutex_lock(&f->lock);
	if (!wanted)
		fixture_unregister(f);
	else if (!f->registered)
		error = fixture_register(f);
	mutex_unlock(&f->lock);
	return error ?: size;
}
static DEVICE_ATTR_RW(registered);

static ssize_t raise_store(struct device *dev, struct device_attribute *attr,
			   const char *buf, size_t size)
{
	struct fixture *f = dev_get_drvdata(dev);
	unsigned int times;
	int error = kstrtouint(buf, 0, &times);

	if (error)
		return error;
	mutex_lock(&f->lock);
	if (!f->registered)
		error = -ENODEV;
	else
		while (times--)
			uio_event_notify(&f->info);
	mutex_unlock(&f->lock);
	return error ?: size;
}
static DEVICE_ATTR_WO(raise);

static ssize_t count_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	struct fixture *f = dev_get_drvdata(dev);
	ssize_t length = -ENODEV;

	mutex_lock(&f->lock);
	if (f->registered)
		length = sysfs_emit(buf, "%d\n", atomic_read(&f->info.uio_dev->event));
	mutex_unlock(&f->lock);
	return length;
}

static ssize_t count_store(struct device *dev, struct device_attribute *attr,
			   const char *buf, size_t size)
{
	struct fixture *f = dev_get_drvdata(dev);
	int count;
	int error = kstrtoint(buf, 0, &count);

	if (error)
		return error;
	mutex_lock(&f->lock);
	if (f->registered)
		atomic_set(&f->info.uio_dev->event, count);
	else
		error = -ENODEV;
	mutex_unlock(&f->lock);
	return error ?: size;
}
static DEVICE_ATTR_RW(count);

static struct attribute *fixture_attrs[] = {
	&dev_attr_registered.attr, &dev_attr_raise.attr, &dev_attr_count.attr,
	&dev_attr_open_result.attr, &dev_attr_opens.attr,
	&dev_attr_irqcontrol_result.attr, &dev_attr_irqcontrol_calls.attr,
	&dev_attr_irqcontrol_log.attr, NULL
};
ATTRIBUTE_GROUPS(fixture);

static struct uio_mem kernel_page(const char *name)
{
	return (struct uio_mem){
		.name = name, .memtype = UIO_MEM_LOGICAL, .size = PAGE_SIZE,
		.addr = (phys_addr_t)(uintptr_t)get_zeroed_page(GFP_KERNEL),
	};
}

static struct uio_mem physical(const char *name, phys_addr_t addr,
			       unsigned long offs, resource_size_t size)
{
	return (struct uio_mem){
		.name = name, .memtype = UIO_MEM_PHYS,
		.addr = addr, .offs = offs, .size = size,
	};
}

static int fixture_describe(void)
{
	struct uio_info *custom = &fixtures[0].info;
	struct uio_info *noirq = &fixtures[1].info;
	struct uio_info *unaligned = &fixtures[2].info;

	custom->irqcontrol = fixture_irqcontrol;
	custom->mem[0] = kernel_page("page");
	custom->mem[1] = physical("testdev", TESTDEV_MMIO, 0, PAGE_SIZE);
	custom->port[0] = (struct uio_port){
		.name = "testdev", .porttype = UIO_PORT_X86,
		.start = TESTDEV_PORT, .size = 4,
	};
	noirq->mem[0] = kernel_page(NULL);
	unaligned->mem[0] = physical("legacy", TESTDEV_MMIO + 0x1100, 0, 0x100);
	unaligned->mem[1] = physical("offset", TESTDEV_MMIO + 0x2000, 0x240,
				     PAGE_SIZE);
	return custom->mem[0].addr && noirq->mem[0].addr ? 0 : -ENOMEM;
}

static int fixture_create(struct fixture *f, int id)
{
	int error;

	mutex_init(&f->lock);
	f->info.version = "1";
	f->info.open = fixture_open;
	f->info.release = fixture_release;
	f->platform = platform_device_alloc("uio-fixture", id);
	if (!f->platform)
		return -ENOMEM;
	platform_set_drvdata(f->platform, f);
	f->platform->dev.groups = fixture_groups;
	error = platform_device_add(f->platform);
	if (error) {
		platform_device_put(f->platform);
		f->platform = NULL;
		return error;
	}
	mutex_lock(&f->lock);
	error = fixture_register(f);
	mutex_unlock(&f->lock);
	return error;
}

static void fixture_exit(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(fixtures); i++) {
		if (!fixtures[i].platform)
			continue;
		mutex_lock(&fixtures[i].lock);
		fixture_unregister(&fixtures[i]);
		mutex_unlock(&fixtures[i].lock);
		platform_device_unregister(fixtures[i].platform);
	}
	free_page((unsigned long)fixtures[0].info.mem[0].addr);
	free_page((unsigned long)fixtures[1].info.mem[0].addr);
}

static int __init fixture_init(void)
{
	int error = fixture_describe();
	int i;

	for (i = 0; !error && i < ARRAY_SIZE(fixtures); i++)
		error = fixture_create(&fixtures[i], i);
	if (error)
		fixture_exit();
	return error;
}

module_init(fixture_init);
module_exit(fixture_exit);
MODULE_DESCRIPTION("UIO devices under a test's control");
MODULE_LICENSE("GPL");
