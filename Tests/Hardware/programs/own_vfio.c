// A program that opens VFIO itself and has descriptors of its own: the edu's INTx with VFIO's unmask eventfd, then its MSI
// with calls that give the vector to the device and take it away. The library services, brakes and disconnects both. The
// program says what it saw and ends with 0 if that is right.
#define _GNU_SOURCE
#include <interruptsync.h>

#include <fcntl.h>
#include <linux/vfio.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { STATUS = 0x24, RAISE = 0x60, ACKNOWLEDGE = 0x64, COUNT = 20, STORM = 5 };
enum { PCI_COMMAND = 4, MEMORY_AND_BUS_MASTER = 6 };

static int device, trigger, unmask;
static volatile uint32_t *registers;
static sem_t served, braked;
static volatile bool claims;

static void check(bool holds, const char *what, int line) {
  if (holds) return;
  printf("line %d: not so: %s (%s; %m)\n", line, what, interruptsync_last_error());
  exit(1);
}
#define CHECK(condition) check(condition, #condition, __LINE__)

static void wait_for(sem_t *event, const char *what) {
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += 60;
  if (sem_timedwait(event, &end) == 0) return;
  printf("not within a minute: %s\n", what);
  exit(1);
}

// VFIO.

static void open_device(const char *address) {
  char path[256], link[256] = "", node[256];
  struct vfio_region_info bar = {.argsz = sizeof bar, .index = VFIO_PCI_BAR0_REGION_INDEX};
  struct vfio_region_info configuration = {.argsz = sizeof configuration, .index = VFIO_PCI_CONFIG_REGION_INDEX};
  uint16_t command = 0;
  snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/iommu_group", address);
  CHECK(readlink(path, link, sizeof link - 1) > 0);
  snprintf(node, sizeof node, "/dev/vfio/%s", strrchr(link, '/') + 1);
  int container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC), group = open(node, O_RDWR | O_CLOEXEC);
  CHECK(container >= 0 && group >= 0);
  CHECK(ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) == 0);
  CHECK(ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU) == 0);
  device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, address);
  CHECK(device >= 0);
  CHECK(ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &bar) == 0);
  CHECK(ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &configuration) == 0);
  registers = (volatile uint32_t *)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, device, (off_t)bar.offset);
  CHECK(registers != MAP_FAILED);
  off_t place = (off_t)configuration.offset + PCI_COMMAND;
  CHECK(pread(device, &command, sizeof command, place) == sizeof command);
  command |= MEMORY_AND_BUS_MASTER;
  CHECK(pwrite(device, &command, sizeof command, place) == sizeof command);
}

// Gives one interrupt an eventfd; -1 takes it away.
static int set_interrupt(uint32_t index, uint32_t action, int32_t event) {
  union {
    struct vfio_irq_set set;
    char bytes[sizeof(struct vfio_irq_set) + sizeof event];
  } request = {.set = {.argsz = sizeof request.bytes, .flags = VFIO_IRQ_SET_DATA_EVENTFD | action, .index = index}};
  request.set.count = 1;
  memcpy(request.set.data, &event, sizeof event);
  return ioctl(device, VFIO_DEVICE_SET_IRQS, &request) == 0 ? 0 : -errno;
}

static int32_t give_vector(void *context) {
  (void)context;
  return set_interrupt(VFIO_PCI_MSI_IRQ_INDEX, VFIO_IRQ_SET_ACTION_TRIGGER, trigger);
}

static int32_t take_vector(void *context) {
  (void)context;
  return set_interrupt(VFIO_PCI_MSI_IRQ_INDEX, VFIO_IRQ_SET_ACTION_TRIGGER, -1);
}

static void disable(uint32_t index) {
  struct vfio_irq_set none = {.argsz = sizeof none, .index = index};
  none.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER;
  CHECK(ioctl(device, VFIO_DEVICE_SET_IRQS, &none) == 0);
}

// The device.

static void raise_interrupt(uint32_t value) { registers[RAISE / 4] = value; }

// As long as it does not claim, the device is not silenced.
static int32_t serve(interruptsync_object *object, void *context) {
  uint32_t status = registers[STATUS / 4];
  (void)object, (void)context;
  bool is_ours = claims && status != 0;
  if (is_ours) registers[ACKNOWLEDGE / 4] = status;
  sem_post(&served);
  return is_ours ? INTERRUPTSYNC_CLAIMED : INTERRUPTSYNC_NOT_MINE;
}

static void on_report(interruptsync_object *object, const interruptsync_report *report, void *context) {
  (void)object, (void)context;
  if (report->kind == INTERRUPTSYNC_REPORT_STORM_BEGAN) sem_post(&braked);
}

static interruptsync_object *connected(const interruptsync_masking *masking, const char *name) {
  interruptsync_line *line = NULL;
  interruptsync_object *object = NULL;
  interruptsync_object_options options = INTERRUPTSYNC_STRUCT(interruptsync_object_options);
  options.storm_limit = STORM;
  options.storm_stays_masked = true;
  options.report = on_report;
  CHECK(interruptsync_line_descriptor_masked(trigger, INTERRUPTSYNC_EVENT_COUNTER, 0, name, masking, &line) == 0);
  CHECK(interruptsync_object_create(line, INTERRUPTSYNC_MODE_NORMAL, &options, &object) == 0);
  CHECK(interruptsync_object_register(object, serve, NULL, 0, NULL) == 0);
  CHECK(interruptsync_object_connect(object) == 0);
  CHECK(interruptsync_release(line) == 0);
  return object;
}

static void exchange(int count) {
  for (int i = 1; i <= count; i++) {
    raise_interrupt((uint32_t)i);
    wait_for(&served, "an interrupt");
  }
}

static interruptsync_statistics statistics(interruptsync_object *object) {
  interruptsync_statistics now = INTERRUPTSYNC_STRUCT(interruptsync_statistics);
  CHECK(interruptsync_object_get_statistics(object, &now) == 0);
  return now;
}

// The level stays up: the line interrupts again at each unmask, until the brake leaves that out.
static void intx(void) {
  interruptsync_masking masking = INTERRUPTSYNC_STRUCT(interruptsync_masking);
  masking.kind = INTERRUPTSYNC_MASKING_EVENTFD;
  masking.unmask_fd = unmask;
  CHECK(set_interrupt(VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_TRIGGER, trigger) == 0);
  CHECK(set_interrupt(VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_UNMASK, unmask) == 0);
  claims = true;
  interruptsync_object *object = connected(&masking, "own intx");
  exchange(COUNT);
  claims = false;
  raise_interrupt(1);
  wait_for(&braked, "the brake");
  CHECK(statistics(object).interrupts == COUNT + STORM && interruptsync_object_get_state(object) == INTERRUPTSYNC_STORMING);
  for (int i = 0; i < STORM; i++) wait_for(&served, "the storm");
  claims = true;
  CHECK(interruptsync_object_resume(object) == 0);
  wait_for(&served, "the interrupt after the brake");
  exchange(COUNT);
  CHECK(interruptsync_object_disconnect(object) == 0);
  // What the device says meanwhile waits for the next connect, and masks the line.
  raise_interrupt(1);
  CHECK(interruptsync_object_connect(object) == 0);
  wait_for(&served, "what waited");
  exchange(COUNT);
  CHECK(interruptsync_object_disconnect(object) == 0);
  interruptsync_statistics now = statistics(object);
  CHECK(now.claimed == 3 * COUNT + 2 && now.unclaimed == STORM && now.storms == 1);
  interruptsync_release(object);
  disable(VFIO_PCI_INTX_IRQ_INDEX);
  printf("INTx: %d interrupts, braked and disconnected\n", 3 * COUNT);
}

// Messages go on until the vector is taken away from the device.
static void msi(void) {
  interruptsync_masking masking = INTERRUPTSYNC_STRUCT(interruptsync_masking);
  uint64_t count;
  masking.kind = INTERRUPTSYNC_MASKING_ON_DEMAND;
  masking.mask = take_vector;
  masking.unmask = give_vector;
  claims = true;
  interruptsync_object *object = connected(&masking, "own msi");
  exchange(COUNT);
  claims = false;
  exchange(STORM);
  wait_for(&braked, "the brake");
  // The device interrupts, and nothing comes.
  registers[ACKNOWLEDGE / 4] = UINT32_MAX;
  raise_interrupt(1);
  CHECK(read(trigger, &count, sizeof count) == -1 && errno == EAGAIN);
  registers[ACKNOWLEDGE / 4] = UINT32_MAX;
  claims = true;
  CHECK(interruptsync_object_resume(object) == 0);
  while (interruptsync_object_get_state(object) == INTERRUPTSYNC_STORMING) sched_yield();
  exchange(COUNT);
  CHECK(interruptsync_object_disconnect(object) == 0);
  raise_interrupt(1);
  CHECK(read(trigger, &count, sizeof count) == -1 && errno == EAGAIN);
  registers[ACKNOWLEDGE / 4] = UINT32_MAX;
  CHECK(interruptsync_object_connect(object) == 0);
  exchange(COUNT);
  CHECK(interruptsync_object_disconnect(object) == 0);
  interruptsync_statistics now = statistics(object);
  CHECK(now.claimed == 3 * COUNT && now.unclaimed == STORM && now.interrupts == 3 * COUNT + STORM);
  interruptsync_release(object);
  disable(VFIO_PCI_MSI_IRQ_INDEX);
  printf("MSI: %d messages, braked and disconnected\n", 3 * COUNT);
}

int main(int count, char **arguments) {
  if (count < 2) return 2;
  sem_init(&served, 0, 0);
  sem_init(&braked, 0, 0);
  trigger = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  unmask = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  CHECK(trigger >= 0 && unmask >= 0);
  open_device(arguments[1]);
  registers[ACKNOWLEDGE / 4] = UINT32_MAX;
  intx();
  msi();
  printf("the program's own descriptors were serviced\n");
  return 0;
}
