// Lines of real devices on arm64, serviced as Dispatch.swift does it: a thread reads the count, enters the lock, asks
// the device, acknowledges, re-arms and leaves. The clock (PL031) and the port (PL061) of QEMU's machine `virt` are
// platform devices of a device tree (Tests/Hardware/rig/board.dts); an edu is a PCI function. Every interrupt that was
// raised is counted once and serviced once.
#define _GNU_SOURCE
#include "check.h"

#include "CUIO.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLATFORM "/sys/bus/platform/"
#define CLOCK "9010000.pl031"
#define PORT "9030000.pl061"
#define EDU "/sys/bus/pci/devices/0000:00:02.0/"
// How long nothing has to come, in milliseconds, and what comes is waited for.
#define QUIET 50
#define PATIENCE 10000

/// A device that interrupts when it is told to. All of it with the lock held.
typedef struct {
  const char *folder;
  void (*prepare)(volatile uint8_t *registers);
  void (*raise)(volatile uint8_t *registers);
  /// Whether it asked for service, and then asks no more.
  bool (*acknowledge)(volatile uint8_t *registers);
} board_device;

enum { CLOCK_DR = 0, CLOCK_MR = 4, CLOCK_CR = 12, CLOCK_IMSC = 16, CLOCK_RIS = 20, CLOCK_ICR = 28 };

static void prepare_clock(volatile uint8_t *registers) {
  cuio_write32(registers + CLOCK_ICR, 1);
  cuio_write32(registers + CLOCK_CR, 1);
  cuio_write32(registers + CLOCK_IMSC, 1);
}

// The alarm is now. When the second ends between the two accesses it is in the past, and does not come.
static void raise_clock(volatile uint8_t *registers) {
  do cuio_write32(registers + CLOCK_MR, cuio_read32(registers + CLOCK_DR));
  while (cuio_read32(registers + CLOCK_RIS) == 0);
}

static bool acknowledge_clock(volatile uint8_t *registers) {
  if (cuio_read32(registers + CLOCK_RIS) == 0) return false;
  cuio_write32(registers + CLOCK_ICR, 1);
  return true;
}

enum { PORT_IS = 0x404, PORT_IEV = 0x40c, PORT_IE = 0x410, PORT_RIS = 0x414, PORT_IC = 0x41c };

// Pin 0 is an input at low level: it interrupts while low is its active level.
static void prepare_port(volatile uint8_t *registers) {
  cuio_write32(registers + PORT_IE, 0);
  cuio_write32(registers + PORT_IS, 1);
  cuio_write32(registers + PORT_IEV, 1);
  cuio_write32(registers + PORT_IC, 0xff);
  cuio_write32(registers + PORT_IE, 1);
}

static void raise_port(volatile uint8_t *registers) { cuio_write32(registers + PORT_IEV, 0); }

static bool acknowledge_port(volatile uint8_t *registers) {
  if ((cuio_read32(registers + PORT_RIS) & 1) == 0) return false;
  cuio_write32(registers + PORT_IEV, 1);
  cuio_write32(registers + PORT_IC, 1);
  return true;
}

enum { EDU_STATUS = 0x24, EDU_RAISE = 0x60, EDU_ACKNOWLEDGE = 0x64 };

static void prepare_edu(volatile uint8_t *registers) { cuio_write32(registers + EDU_ACKNOWLEDGE, UINT32_MAX); }
static void raise_edu(volatile uint8_t *registers) { cuio_write32(registers + EDU_RAISE, 1); }

static bool acknowledge_edu(volatile uint8_t *registers) {
  uint32_t status = cuio_read32(registers + EDU_STATUS);
  cuio_write32(registers + EDU_ACKNOWLEDGE, status);
  return status != 0;
}

static const board_device board_clock = {PLATFORM "devices/" CLOCK, prepare_clock, raise_clock, acknowledge_clock};
static const board_device board_port = {PLATFORM "devices/" PORT, prepare_port, raise_port, acknowledge_port};
static const board_device board_edu = {EDU, prepare_edu, raise_edu, acknowledge_edu};

static bool write_text(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  bool written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
  close(fd);
  return written;
}

/// The name of the device's UIO device; empty when it has none.
static const char *uio_of(const board_device *device, char name[static 32]) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/uio", device->folder);
  *name = 0;
  DIR *folder = opendir(path);
  struct dirent *entry;
  while (folder != NULL && (entry = readdir(folder)) != NULL)
    if (strncmp(entry->d_name, "uio", 3) == 0) snprintf(name, 32, "%.31s", entry->d_name);
  if (folder != NULL) closedir(folder);
  return name;
}

/// What the device's UIO device says of itself.
static void read_attribute(const board_device *device, const char *name, char text[static 64]) {
  char uio[32], path[PATH_MAX];
  snprintf(path, sizeof path, "/sys/class/uio/%s/%s", uio_of(device, uio), name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = read(fd, text, 63);
  close(fd);
  text[length > 0 ? length - 1 : 0] = 0;
}

static bool says(const board_device *device, const char *name, const char *wanted) {
  char text[64];
  read_attribute(device, name, text);
  if (strcmp(text, wanted) == 0) return true;
  printf("%s: %s\n", name, text);
  return false;
}

/// A line that is serviced by a thread of its own.
typedef struct {
  const board_device *device;
  volatile uint8_t *registers;
  cuio_line line;
  cuio_lock lock;
  pthread_t thread;
  /// Wakes the thread, and is signalled by it after each dispatch.
  int wake, dispatched;
  uint32_t stop;
  /// -errno of the read that ended the thread, or 0.
  int ending;
  uint64_t raised, counted, serviced, unclaimed;
} service;

static void *serve(void *context) {
  service *s = context;
  while (!cuio_flag_is_up(&s->stop)) {
    uint64_t delta = 0;
    // Not for longer, as the kernel may lose the wake-up of a removal (fact 23).
    CHECK(cuio_wait(s->line.fd, s->wake, 1000, false) >= 0);
    int result = cuio_line_read(&s->line, &delta);
    if (result == -EAGAIN) continue;
    if (result != 0) {
      s->ending = result;
      break;
    }
    int32_t level = cuio_lock_enter(&s->lock, NULL);
    bool claimed = s->device->acknowledge(s->registers);
    cuio_counter_add(&s->counted, delta);
    cuio_counter_add(claimed ? &s->serviced : &s->unclaimed, 1);
    CHECK_EQUAL(cuio_line_rearm(&s->line), 0);
    cuio_lock_leave(&s->lock, level);
    linux_event_signal(s->dispatched, 1);
  }
  return NULL;
}

static void *map(const char *path) {
  void *registers = NULL;
  int fd = open(path, O_RDWR | O_SYNC | O_CLOEXEC);
  CHECK_EQUAL(cuio_map(fd, 0, cuio_page_size(), true, &registers), 0);
  close(fd);
  return registers;
}

/// The device's line, unmasked, and no thread that serves it.
static void open_line(service *s, const board_device *device) {
  char uio[32], path[64], count[64];
  memset(s, 0, sizeof *s);
  s->device = device;
  snprintf(path, sizeof path, "/dev/%s", uio_of(device, uio));
  int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  CHECK(fd >= 0);
  s->line = (cuio_line){.fd = fd, .rearm_fd = fd, .rearm = CUIO_REARM_IRQCONTROL};
  if (device == &board_edu) {
    s->line.rearm = CUIO_REARM_PCI_COMMAND;
    s->line.rearm_fd = open(EDU "config", O_RDWR | O_CLOEXEC);
    s->registers = map(EDU "resource0");
  } else {
    s->registers = map(path);
  }
  CHECK_EQUAL(cuio_line_refresh_command(&s->line), 0);
  device->prepare(s->registers);
  // What came before counts for no one: the line may be masked since.
  read_attribute(device, "event", count);
  cuio_line_set_total(&s->line, (uint32_t)strtoul(count, NULL, 10));
  CHECK_EQUAL(cuio_line_rearm(&s->line), 0);
}

static void start(service *s, const board_device *device) {
  open_line(s, device);
  s->wake = linux_event_create();
  s->dispatched = linux_event_create();
  CHECK_EQUAL(linux_thread_create(&s->thread, 0, serve, s), 0);
}

static void close_line(service *s) {
  cuio_unmap((void *)(uintptr_t)s->registers, cuio_page_size());
  if (s->line.rearm_fd != s->line.fd) close(s->line.rearm_fd);
  close(s->line.fd);
}

/// Waits for the thread, which has been told to end or finds that its device has gone.
static void finish(service *s) {
  CHECK_EQUAL(linux_thread_join(s->thread), 0);
  close(s->wake);
  close(s->dispatched);
  close_line(s);
}

static void stop(service *s) {
  cuio_flag_raise(&s->stop);
  linux_event_signal(s->wake, 1);
  finish(s);
  CHECK_EQUAL(s->ending, 0);
}

/// Interrupts, each once the one before has been serviced.
static void raise_many(service *s, uint64_t count) {
  for (uint64_t i = 0; i < count && check_failures() == 0; i++) {
    int32_t level = cuio_lock_enter(&s->lock, NULL);
    s->device->raise(s->registers);
    cuio_lock_leave(&s->lock, level);
    s->raised++;
    while (cuio_counter_read(&s->serviced) != s->raised && check_failures() == 0) {
      CHECK_EQUAL(cuio_wait(s->dispatched, -1, PATIENCE, false), CUIO_WAIT_READABLE);
      CHECK_EQUAL(linux_event_drain(s->dispatched), 0);
    }
  }
}

static void check_conserved(const service *s, uint64_t wanted) {
  CHECK_EQUAL(s->raised, wanted);
  CHECK_EQUAL(s->counted, wanted);
  CHECK_EQUAL(s->serviced, wanted);
  CHECK_EQUAL(s->unclaimed, 0);
}

static uint64_t many(void) { return getenv("SOAK") != NULL ? 20000 : 2000; }

static void check_every_interrupt(const board_device *device) {
  service s;
  start(&s, device);
  raise_many(&s, many());
  stop(&s);
  check_conserved(&s, many());
}

TEST(fact50_a_node_names_its_uio_device) {
  static const char *const rows[][2] = {{"name", "clock"},
                                        {"version", "devicetree"},
                                        {"maps/map0/addr", "0x0000000009010000"},
                                        {"maps/map0/size", "0x0000000000001000"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) CHECK(says(&board_clock, rows[i][0], rows[i][1]));
}

TEST(fact50_without_of_id_the_driver_takes_no_node) {
  char name[32];
  CHECK_EQUAL(system("rmmod uio_pdrv_genirq && modprobe uio_pdrv_genirq"), 0);
  CHECK_EQUAL(*uio_of(&board_clock, name), 0);
  CHECK_EQUAL(system("rmmod uio_pdrv_genirq && modprobe uio_pdrv_genirq of_id=generic-uio"), 0);
  CHECK(*uio_of(&board_clock, name) != 0);
}

TEST(fact65_a_primecell_is_no_platform_device) {
  CHECK_EQUAL(access("/sys/bus/amba/devices/9000000.pl011", F_OK), 0);
  CHECK(access(PLATFORM "devices/9000000.pl011", F_OK) != 0);
}

static void bind_port(void) {
  char name[32];
  if (*uio_of(&board_port, name) != 0) return;
  CHECK(write_text(PLATFORM "devices/" PORT "/driver_override", "uio_pdrv_genirq"));
  CHECK(write_text(PLATFORM "drivers_probe", PORT));
}

TEST(fact65_driver_override_binds_what_of_id_does_not_name) {
  char name[32];
  // The module is loaded, and has taken the clock.
  CHECK_EQUAL(*uio_of(&board_port, name), 0);
  bind_port();
  // A node without linux,uio-name gives its own: 6.1 without its address, 6.12 with it.
  CHECK(says(&board_port, "name", "pl061") || says(&board_port, "name", "pl061@9030000"));
}

TEST(every_interrupt_of_the_clock_is_counted_and_serviced) { check_every_interrupt(&board_clock); }
TEST(every_interrupt_of_a_pci_function_is_counted_and_serviced) { check_every_interrupt(&board_edu); }

TEST(every_interrupt_of_the_port_is_counted_and_serviced) {
  bind_port();
  check_every_interrupt(&board_port);
}

static void *raise_many_of(void *context) {
  raise_many(context, many() / 2);
  return NULL;
}

TEST(every_interrupt_of_lines_that_interrupt_at_once_is_counted_and_serviced) {
  static const board_device *const devices[] = {&board_clock, &board_port, &board_edu};
  service services[3];
  pthread_t raising[3];
  bind_port();
  for (int i = 0; i < 3; i++) start(&services[i], devices[i]);
  for (int i = 0; i < 3; i++) CHECK_EQUAL(linux_thread_create(&raising[i], 0, raise_many_of, &services[i]), 0);
  for (int i = 0; i < 3; i++) CHECK_EQUAL(linux_thread_join(raising[i]), 0);
  for (int i = 0; i < 3; i++) stop(&services[i]);
  for (int i = 0; i < 3; i++) check_conserved(&services[i], many() / 2);
}

TEST(fact48_a_level_that_nobody_acknowledged_comes_again_with_the_rearm) {
  service s;
  uint64_t delta = 0;
  open_line(&s, &board_clock);
  s.device->raise(s.registers);
  for (int i = 0; i < 3; i++) {
    CHECK_EQUAL(cuio_wait(s.line.fd, -1, PATIENCE, false), CUIO_WAIT_READABLE);
    CHECK_EQUAL(cuio_line_read(&s.line, &delta), 0);
    CHECK_EQUAL(delta, 1);
    // Masked until the re-arm.
    CHECK_EQUAL(cuio_wait(s.line.fd, -1, QUIET, false), CUIO_WAIT_TIMEOUT);
    if (i == 2) CHECK(s.device->acknowledge(s.registers));
    CHECK_EQUAL(cuio_line_rearm(&s.line), 0);
  }
  CHECK_EQUAL(cuio_wait(s.line.fd, -1, QUIET, false), CUIO_WAIT_TIMEOUT);
  close_line(&s);
}

TEST(fact18_a_masked_line_delivers_its_interrupt_when_it_is_unmasked) {
  service s;
  uint64_t delta = 0;
  open_line(&s, &board_clock);
  CHECK_EQUAL(cuio_line_mask(&s.line), 0);
  s.device->raise(s.registers);
  CHECK_EQUAL(cuio_wait(s.line.fd, -1, QUIET, false), CUIO_WAIT_TIMEOUT);
  CHECK_EQUAL(cuio_line_rearm(&s.line), 0);
  CHECK_EQUAL(cuio_wait(s.line.fd, -1, PATIENCE, false), CUIO_WAIT_READABLE);
  CHECK_EQUAL(cuio_line_read(&s.line, &delta), 0);
  CHECK_EQUAL(delta, 1);
  CHECK(s.device->acknowledge(s.registers));
  CHECK_EQUAL(cuio_line_rearm(&s.line), 0);
  close_line(&s);
}

TEST(fact13_interrupts_are_conserved_over_an_unbind_and_return) {
  service s, again;
  start(&s, &board_clock);
  raise_many(&s, many() / 2);
  CHECK(write_text(PLATFORM "drivers/uio_pdrv_genirq/unbind", CLOCK));
  finish(&s);
  CHECK_EQUAL(s.ending, -EIO);
  CHECK(write_text(PLATFORM "drivers/uio_pdrv_genirq/bind", CLOCK));
  start(&again, &board_clock);
  raise_many(&again, many() / 2);
  stop(&again);
  check_conserved(&s, many() / 2);
  check_conserved(&again, many() / 2);
}
