// The C interface of VFIO on real devices: messages of a switch with four vectors, the engine of an edu, and a device
// that the host wants back. Each is a subcommand; the program says what it saw and ends with 0 if that is right.
#define _GNU_SOURCE
#include <interruptsync.h>

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { VECTORS = 4, COUNT = 500, ROCKER_RAISE = 0x20 };
enum { STATUS = 0x24, RAISE = 0x60, ACKNOWLEDGE = 0x64, SOURCE = 0x80, TARGET = 0x88, LENGTH = 0x90, COMMAND = 0x98 };
// The edu's own memory, from the engine's side. An engine that ends exactly at its end is QEMU's end, too.
enum { INSIDE = 0x40000, BYTES = 4000 };
enum { PCI_COMMAND = 4, BUS_MASTER = 4 };

static interruptsync_vfio *device;
static interruptsync_region *registers;

static void check(bool holds, const char *what, int line) {
  if (holds) return;
  printf("line %d: not so: %s (%s)\n", line, what, interruptsync_last_error());
  exit(1);
}
#define CHECK(condition) check(condition, #condition, __LINE__)
// Fails with this errno and a sentence that has `words` in it.
#define CHECK_FAILS(call, number, words) CHECK((call) == -(number) && strstr(interruptsync_last_error(), words) != NULL)

static void wait_for(sem_t *event, const char *what) {
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += 60;
  if (sem_timedwait(event, &end) == 0) return;
  printf("not within a minute: %s\n", what);
  exit(1);
}

static interruptsync_object *connected(interruptsync_line *line, interruptsync_routine routine, void *context,
                                       const interruptsync_object_options *options) {
  interruptsync_object *object = NULL;
  CHECK(interruptsync_object_create(line, INTERRUPTSYNC_MODE_NORMAL, options, &object) == 0);
  CHECK(interruptsync_object_register(object, routine, context, 0, NULL) == 0);
  CHECK(interruptsync_object_connect(object) == 0);
  return object;
}

static uint16_t command(void) {
  interruptsync_region *configuration = NULL;
  uint16_t value = 0;
  CHECK(interruptsync_vfio_configuration(device, &configuration) == 0);
  CHECK(interruptsync_read16(configuration, PCI_COMMAND, &value) == 0);
  interruptsync_release(configuration);
  return value;
}

// Interrupts of the line whose action has this name.
static unsigned long kernel_count(const char *action) {
  char text[4096];
  unsigned long sum = 0;
  FILE *file = fopen("/proc/interrupts", "r");
  CHECK(file != NULL);
  while (fgets(text, sizeof text, file) != NULL) {
    if (strstr(text, action) == NULL) continue;
    char *next = strchr(text, ':') + 1, *end;
    for (unsigned long n = strtoul(next, &end, 10); end != next; n = strtoul(next = end, &end, 10)) sum += n;
  }
  fclose(file);
  return sum;
}

static int32_t post(interruptsync_object *object, void *context) {
  (void)object;
  sem_post((sem_t *)context);
  return INTERRUPTSYNC_CLAIMED;
}

static void describe_switch(const char *id) {
  interruptsync_vfio_info info = INTERRUPTSYNC_STRUCT(interruptsync_vfio_info);
  interruptsync_vfio_options options = INTERRUPTSYNC_STRUCT(interruptsync_vfio_options);
  options.interrupt = INTERRUPTSYNC_VFIO_INTX;
  CHECK_FAILS(interruptsync_vfio_open(id, &options, &device), ENXIO, "it has msix");
  CHECK(interruptsync_vfio_open(id + strlen("pci-"), NULL, &device) == 0);
  CHECK(interruptsync_vfio_get_info(device, &info) == 0);
  CHECK(info.interrupt == INTERRUPTSYNC_VFIO_MSIX && info.vector_count == VECTORS && !info.can_reset);
  CHECK(strcmp(info.stable_id, id) == 0);
  CHECK(interruptsync_vfio_is_alive(device) == 1);
  CHECK_FAILS(interruptsync_vfio_reset(device), EOPNOTSUPP, "no reset of its own");
  CHECK_FAILS(interruptsync_vfio_region(device, 5, &registers), ENOENT, "no BAR 5");
  CHECK(interruptsync_vfio_region(device, 0, &registers) == 0);
}

// Four vectors, raised one after the other, each once the last one has been serviced.
static int messages(const char *id) {
  interruptsync_line *lines[VECTORS];
  interruptsync_object *objects[VECTORS];
  sem_t served[VECTORS];
  describe_switch(id);
  CHECK_FAILS(interruptsync_vfio_line(device, VECTORS, &lines[0]), ENXIO, "no vector 4");
  for (uint32_t i = 0; i < VECTORS; i++) {
    interruptsync_line_info line = INTERRUPTSYNC_STRUCT(interruptsync_line_info);
    sem_init(&served[i], 0, 0);
    CHECK(interruptsync_vfio_line(device, i, &lines[i]) == 0);
    CHECK(interruptsync_line_get_info(lines[i], &line) == 0);
    CHECK(line.kind == INTERRUPTSYNC_LINE_VFIO && line.rearm == INTERRUPTSYNC_REARM_NONE);
    CHECK_FAILS(interruptsync_vfio_self_test(lines[i]), ENXIO, "connect it first");
    objects[i] = connected(lines[i], post, &served[i], NULL);
    wait_for(&served[i], "the dispatch after connect");
  }
  // The lines keep the device.
  CHECK((command() & BUS_MASTER) != 0);
  CHECK(interruptsync_release(device) == 0);
  for (uint32_t i = 0; i < COUNT * VECTORS; i++) {
    CHECK(interruptsync_write32(registers, ROCKER_RAISE, i % VECTORS) == 0);
    wait_for(&served[i % VECTORS], "a message");
  }
  unsigned long least = COUNT;
  for (uint32_t i = 0; i < VECTORS; i++) {
    char action[64];
    snprintf(action, sizeof action, "vfio-msix[%u](%s)", i, id + strlen("pci-"));
    unsigned long kernel = kernel_count(action);
    CHECK(interruptsync_vfio_self_test(lines[i]) == 0);
    wait_for(&served[i], "the self-test");
    CHECK(interruptsync_object_disconnect(objects[i]) == 0);
    interruptsync_statistics now = INTERRUPTSYNC_STRUCT(interruptsync_statistics);
    CHECK(interruptsync_object_get_statistics(objects[i], &now) == 0);
    printf("vector %u: %lu in /proc/interrupts, %lu counted\n", i, kernel, (unsigned long)now.interrupts);
    if (kernel != COUNT || now.interrupts != COUNT + 1) least = 0;
    interruptsync_release(objects[i]);
    interruptsync_release(lines[i]);
  }
  interruptsync_release(registers);
  // Everything has been released: the group is free again.
  CHECK(interruptsync_vfio_open(id, NULL, &device) == 0);
  printf("%lu of %d messages on each vector\n", least, COUNT);
  return least == COUNT ? 0 : 1;
}

static int32_t acknowledge(interruptsync_object *object, void *context) {
  uint32_t status = 0;
  (void)object;
  if (interruptsync_read32(registers, STATUS, &status) != 0 || status == 0) return INTERRUPTSYNC_NOT_MINE;
  interruptsync_write32(registers, ACKNOWLEDGE, status);
  sem_post((sem_t *)context);
  return INTERRUPTSYNC_CLAIMED;
}

static interruptsync_line *open_edu(const char *id, uint32_t interrupt, interruptsync_vfio_options options) {
  interruptsync_line *line = NULL;
  options.interrupt = interrupt;
  CHECK(interruptsync_vfio_open(id, &options, &device) == 0);
  CHECK(interruptsync_vfio_region(device, 0, &registers) == 0);
  CHECK(interruptsync_write32(registers, ACKNOWLEDGE, UINT32_MAX) == 0);
  CHECK(interruptsync_vfio_line(device, 0, &line) == 0);
  return line;
}

static interruptsync_dma_info allocated(uint64_t alignment, uint32_t direction, interruptsync_dma **buffer) {
  interruptsync_dma_info info = INTERRUPTSYNC_STRUCT(interruptsync_dma_info);
  CHECK(interruptsync_vfio_allocate(device, BYTES, alignment, direction, buffer) == 0);
  CHECK(interruptsync_dma_get_info(*buffer, &info) == 0);
  CHECK(info.length == BYTES && info.direction == direction && info.address != NULL);
  CHECK(alignment == 0 || info.device_address % alignment == 0);
  return info;
}

// Has the engine move bytes, and waits for its interrupt.
static void move(uint64_t source, uint64_t target, sem_t *served) {
  CHECK(interruptsync_write64(registers, SOURCE, source) == 0);
  CHECK(interruptsync_write64(registers, TARGET, target) == 0);
  CHECK(interruptsync_write64(registers, LENGTH, BYTES) == 0);
  CHECK(interruptsync_write64(registers, COMMAND, 1 | 4 | (source == INSIDE ? 2 : 0)) == 0);
  wait_for(served, "the engine");
}

// The engine reads one buffer and writes the other one, and not the one that it may only read.
static int engine(const char *id) {
  interruptsync_vfio_options options = INTERRUPTSYNC_STRUCT(interruptsync_vfio_options);
  interruptsync_line *line = open_edu(id, INTERRUPTSYNC_VFIO_MSI, options);
  interruptsync_dma *buffers[2], *none = NULL;
  sem_t served;
  sem_init(&served, 0, 0);
  interruptsync_object *object = connected(line, acknowledge, &served, NULL);
  CHECK_FAILS(interruptsync_vfio_allocate(device, 0, 0, INTERRUPTSYNC_DMA_BOTH, &none), EINVAL, "below 1");
  CHECK_FAILS(interruptsync_vfio_allocate(device, BYTES, 3, INTERRUPTSYNC_DMA_BOTH, &none), EINVAL, "power of two");
  CHECK_FAILS(interruptsync_vfio_allocate(device, BYTES, 0, 3, &none), EINVAL, "3 is not a direction");
  CHECK_FAILS(interruptsync_vfio_allocate(device, UINT64_MAX, 0, 0, &none), EINVAL, "address space");
  interruptsync_dma_info source = allocated(0, INTERRUPTSYNC_DMA_TO_DEVICE, &buffers[0]);
  interruptsync_dma_info target = allocated(1 << 16, INTERRUPTSYNC_DMA_FROM_DEVICE, &buffers[1]);
  uint8_t *bytes = (uint8_t *)source.address, *copy = (uint8_t *)target.address;
  for (int round = 1; round <= 20; round++) {
    for (int i = 0; i < BYTES; i++) bytes[i] = (uint8_t)(i * round + round);
    CHECK(interruptsync_dma_sync_for_device(buffers[0]) == 0);
    move(source.device_address, INSIDE, &served);
    move(INSIDE, target.device_address, &served);
    CHECK(interruptsync_dma_sync_for_program(buffers[1]) == 0);
    CHECK(memcmp(bytes, copy, BYTES) == 0);
  }
  memset(bytes, 0x5a, BYTES);
  move(INSIDE, source.device_address, &served);
  for (int i = 0; i < BYTES; i++) CHECK(bytes[i] == 0x5a);
  CHECK(interruptsync_vfio_set_bus_master(device, false) == 0);
  CHECK((command() & BUS_MASTER) == 0);
  CHECK(interruptsync_line_set_bus_master(line, true) == 0);
  CHECK((command() & BUS_MASTER) != 0);
  void *handles[] = {object, line, registers, device, buffers[0], buffers[1]};
  for (size_t i = 0; i < 5; i++) CHECK(interruptsync_release(handles[i]) == 0);
  // Memory outlives the device.
  CHECK(copy[1] == (uint8_t)(20 + 20));
  CHECK(interruptsync_release(buffers[1]) == 0);
  printf("the engine moved the bytes 20 times\n");
  return 0;
}

struct ends {
  sem_t line, device;
  int32_t error;
  char text[256];
};

static void line_ended(interruptsync_object *object, const interruptsync_report *report, void *context) {
  (void)object;
  if (report->kind == INTERRUPTSYNC_REPORT_REMOVED) sem_post(&((struct ends *)context)->line);
}

static void device_returned(const interruptsync_report *report, void *context) {
  struct ends *ends = (struct ends *)context;
  if (report->kind != INTERRUPTSYNC_REPORT_DEVICE_RETURNED) return;
  ends->error = report->error;
  snprintf(ends->text, sizeof ends->text, "%s", report->text);
  // No other report comes: the release inside the handler does not wait for it.
  if (interruptsync_release(device) == 0) sem_post(&ends->device);
}

// INTx is serviced; then the host wants the device back while it is connected and mapped.
static int returned(const char *id) {
  static struct ends ends;
  sem_t served;
  sem_init(&served, 0, 0);
  sem_init(&ends.line, 0, 0);
  sem_init(&ends.device, 0, 0);
  interruptsync_vfio_options options = INTERRUPTSYNC_STRUCT(interruptsync_vfio_options);
  options.report = device_returned;
  options.report_context = &ends;
  interruptsync_object_options reports = INTERRUPTSYNC_STRUCT(interruptsync_object_options);
  reports.report = line_ended;
  reports.report_context = &ends;
  interruptsync_line *line = open_edu(id, INTERRUPTSYNC_VFIO_INTX, options), *other = NULL;
  interruptsync_line_info info = INTERRUPTSYNC_STRUCT(interruptsync_line_info);
  CHECK(interruptsync_line_get_info(line, &info) == 0);
  CHECK(info.kind == INTERRUPTSYNC_LINE_VFIO && info.rearm == INTERRUPTSYNC_REARM_UNMASK);
  CHECK_FAILS(interruptsync_line_uio(NULL, INTERRUPTSYNC_REARM_UNMASK, &other), EINVAL, "NULL");
  interruptsync_object *object = connected(line, acknowledge, &served, &reports);
  for (uint32_t i = 1; i <= 10; i++) {
    CHECK(interruptsync_write32(registers, RAISE, i) == 0);
    wait_for(&served, "INTx");
  }
  printf("connected\n");
  fflush(stdout);
  wait_for(&ends.line, "the line's end");
  wait_for(&ends.device, "the device's report");
  uint32_t value = 0;
  CHECK(ends.error == -ENODEV && strstr(ends.text, "the host wanted") != NULL);
  CHECK(interruptsync_read32(registers, STATUS, &value) == -ENODEV);
  CHECK(interruptsync_vfio_self_test(line) == -ENODEV);
  CHECK(interruptsync_vfio_is_alive(device) == -EINVAL);
  CHECK(interruptsync_object_connect(object) == -ENODEV);
  printf("the host has the device\n");
  return 0;
}

int main(int count, char **arguments) {
  if (count < 3) return 2;
  if (strcmp(arguments[1], "messages") == 0) return messages(arguments[2]);
  if (strcmp(arguments[1], "engine") == 0) return engine(arguments[2]);
  if (strcmp(arguments[1], "returned") == 0) return returned(arguments[2]);
  return 2;
}
