// Unmasking and masking a line: irqcontrol and PCI COMMAND.
#define _GNU_SOURCE
#include "check.h"

#include "CUIO.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MASKED CUIO_PCI_COMMAND_INTX_DISABLE
#define MASTER CUIO_PCI_COMMAND_MASTER

// The linker leads the shim's calls here: what was accessed, and a chance to do something in between.
enum { READ, WRITE };
typedef struct {
  int kind;
  size_t length;
  off_t offset;
} access_record;

static access_record accesses[64];
static int access_count;
static void (*before_write)(void), (*after_read)(void);

ssize_t __real_pwrite(int fd, const void *bytes, size_t length, off_t offset);
ssize_t __real_pread(int fd, void *bytes, size_t length, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t length, off_t offset);
ssize_t __wrap_pread(int fd, void *bytes, size_t length, off_t offset);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

static void record(int kind, size_t length, off_t offset) {
  if (access_count < (int)(sizeof accesses / sizeof *accesses))
    accesses[access_count] = (access_record){kind, length, offset};
  access_count++;
}

static void once(void (**hook)(void)) {
  void (*body)(void) = *hook;
  *hook = NULL;
  if (body != NULL) body();
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t length, off_t offset) {
  record(WRITE, length, offset);
  once(&before_write);
  return __real_pwrite(fd, bytes, length, offset);
}

ssize_t __wrap_pread(int fd, void *bytes, size_t length, off_t offset) {
  record(READ, length, offset);
  ssize_t result = __real_pread(fd, bytes, length, offset);
  once(&after_read);
  return result;
}

// Six words, whether so many were given or not: the sanitizers would object.
__attribute__((no_sanitize("address", "undefined"))) long __wrap_syscall(long number, ...) {
  long words[6];
  va_list arguments;
  va_start(arguments, number);
  for (int i = 0; i < 6; i++) words[i] = va_arg(arguments, long);
  va_end(arguments);
  if (number == SYS_pwrite64) return __wrap_pwrite((int)words[0], (void *)words[1], (size_t)words[2], words[3]);
  return __real_syscall(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

static cuio_line line;

/// A function's first 64 bytes of configuration space, with a neighbour on each side of COMMAND.
static void start(uint16_t command) {
  line = (cuio_line){.fd = -1, .rearm_fd = check_file(64), .rearm = CUIO_REARM_PCI_COMMAND};
  uint8_t bytes[8] = {0x86, 0x80, 0x34, 0x12, (uint8_t)command, (uint8_t)(command >> 8), 0x5a, 0xa5};
  CHECK_EQUAL(__real_pwrite(line.rearm_fd, bytes, sizeof bytes, 0), sizeof bytes);
  access_count = 0;
  before_write = after_read = NULL;
}

static uint16_t device(void) {
  uint8_t bytes[8] = {0};
  CHECK_EQUAL(__real_pread(line.rearm_fd, bytes, sizeof bytes, 0), sizeof bytes);
  CHECK(memcmp(bytes, "\x86\x80\x34\x12", 4) == 0 && bytes[6] == 0x5a && bytes[7] == 0xa5);
  return (uint16_t)(bytes[4] | bytes[5] << 8);
}

static void set_device(uint16_t command) {
  uint8_t bytes[2] = {(uint8_t)command, (uint8_t)(command >> 8)};
  CHECK_EQUAL(__real_pwrite(line.rearm_fd, bytes, sizeof bytes, 4), sizeof bytes);
}

static void set_status(uint16_t status) {
  uint8_t bytes[2] = {(uint8_t)status, (uint8_t)(status >> 8)};
  CHECK_EQUAL(__real_pwrite(line.rearm_fd, bytes, sizeof bytes, CUIO_PCI_STATUS), sizeof bytes);
}

TEST(N20_a_function_says_in_status_whether_it_asks_for_service) {
  // Masked, as between interrupts.
  start(MASKED);
  set_status(0xfff7);
  CHECK_EQUAL(cuio_pci_is_asserted(line.rearm_fd), 0);
  set_status(0x0018);
  CHECK_EQUAL(cuio_pci_is_asserted(line.rearm_fd), 1);
  CHECK_EQUAL(access_count, 2);
  CHECK(accesses[1].kind == READ && accesses[1].length == 2 && accesses[1].offset == 6);
  set_status(0xffff);
  CHECK_EQUAL(cuio_pci_is_asserted(line.rearm_fd), -ENODEV);
  close(line.rearm_fd);
  CHECK_EQUAL(cuio_pci_is_asserted(line.rearm_fd), -EBADF);
  CHECK_EQUAL(cuio_pci_is_asserted(check_file(7)), -EIO);
}

TEST(fact18_irqcontrol_writes_one_to_unmask_and_zero_to_mask) {
  int ends[2];
  CHECK_EQUAL(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
  cuio_line other = {.fd = ends[0], .rearm_fd = ends[0], .rearm = CUIO_REARM_IRQCONTROL};
  int32_t value[2] = {9, 9};
  CHECK_EQUAL(cuio_line_rearm(&other), 0);
  CHECK_EQUAL(read(ends[1], value, sizeof value), 4);
  CHECK_EQUAL(value[0], 1);
  CHECK_EQUAL(cuio_line_mask(&other), 0);
  CHECK_EQUAL(read(ends[1], value, sizeof value), 4);
  CHECK_EQUAL(value[0], 0);
  CHECK_EQUAL(cuio_irqcontrol(ends[0], -7), 0);
  CHECK_EQUAL(read(ends[1], value, sizeof value), 4);
  CHECK_EQUAL(value[0], -7);
  close(ends[0]);
  close(ends[1]);
}

static int32_t noted[2];

static int32_t note_unmask(void *context) {
  noted[0]++;
  return context == noted ? 0 : -EINVAL;
}

static int32_t note_mask(void *context) {
  noted[1]++;
  return context == noted ? 0 : -EINVAL;
}

TEST(N17_a_hooked_line_is_unmasked_and_masked_by_its_calls) {
  cuio_line_hooks hooks = {.unmask = note_unmask, .mask = note_mask};
  cuio_line hooked = {.fd = -1, .rearm_fd = -1, .rearm = CUIO_REARM_CALL, .hooks = (uintptr_t)&hooks};
  CHECK_EQUAL(cuio_line_rearm(&hooked), -EINVAL);
  CHECK_EQUAL(cuio_line_mask(&hooked), -EINVAL);
  hooks.context = noted;
  CHECK_EQUAL(cuio_line_rearm(&hooked), 0);
  CHECK_EQUAL(cuio_line_rearm(&hooked), 0);
  CHECK_EQUAL(cuio_line_mask(&hooked), 0);
  CHECK_EQUAL(noted[0], 3);
  CHECK_EQUAL(noted[1], 2);
}

// A file that may hold two bytes and no more: a write of four answers 2.
static void write_past_a_limit(void) {
  struct rlimit two = {2, 2};
  cuio_line other = {.fd = -1, .rearm_fd = check_file(0), .rearm = CUIO_REARM_IRQCONTROL};
  CHECK_EQUAL(setrlimit(RLIMIT_FSIZE, &two), 0);
  int result = cuio_line_rearm(&other);
  // The file is this process's only output now; its exit status has to tell.
  if (result != -EPROTO) _exit(1);
}

TEST(fact18_a_short_positive_answer_is_a_fault_of_the_driver) { CHECK(check_in_child(write_past_a_limit)); }

TEST(facts16_19_irqcontrol_passes_the_kernels_error_on) {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  CHECK_EQUAL(cuio_irqcontrol(epoll, 1), -EINVAL);
  close(epoll);
  CHECK_EQUAL(cuio_irqcontrol(epoll, 1), -EBADF);
  int read_only = open("/dev/null", O_RDONLY | O_CLOEXEC);
  cuio_line other = {.fd = read_only, .rearm_fd = read_only, .rearm = CUIO_REARM_IRQCONTROL};
  CHECK_EQUAL(cuio_line_rearm(&other), -EBADF);
  CHECK_EQUAL(cuio_line_mask(&other), -EBADF);
  close(read_only);
}

TEST(V16_a_rearm_by_eventfd_is_one_write_of_one) {
  int event = linux_event_create();
  cuio_line other = {.fd = -1, .rearm_fd = event, .rearm = CUIO_REARM_EVENTFD};
  uint64_t value = 99;
  // The line masks itself.
  CHECK_EQUAL(cuio_line_mask(&other), 0);
  CHECK_EQUAL(read(event, &value, sizeof value), -1);
  CHECK_EQUAL(cuio_line_rearm(&other), 0);
  CHECK_EQUAL(read(event, &value, sizeof value), 8);
  CHECK_EQUAL(value, 1);
  close(event);
  CHECK_EQUAL(cuio_line_rearm(&other), -EBADF);
}

TEST(a_line_without_rearm_touches_nothing) {
  cuio_line other = {.fd = -1, .rearm_fd = -1, .rearm = CUIO_REARM_NONE, .command = 3};
  CHECK_EQUAL(cuio_line_rearm(&other), 0);
  CHECK_EQUAL(cuio_line_mask(&other), 0);
  CHECK_EQUAL(cuio_line_refresh_command(&other), 0);
  CHECK_EQUAL(other.command, 3);
}

TEST(fact42_rearm_is_one_16_bit_write_of_command) {
  start(0x0003 | MASKED);
  CHECK_EQUAL(cuio_line_refresh_command(&line), 0);
  CHECK_EQUAL(line.command, 0x0003);
  access_count = 0;
  CHECK_EQUAL(cuio_line_rearm(&line), 0);
  CHECK_EQUAL(access_count, 1);
  CHECK(accesses[0].kind == WRITE && accesses[0].length == 2 && accesses[0].offset == CUIO_PCI_COMMAND);
  CHECK_EQUAL(device(), 0x0003);
  CHECK_EQUAL(cuio_line_mask(&line), 0);
  CHECK_EQUAL(access_count, 2);
  CHECK(accesses[1].kind == WRITE && accesses[1].length == 2 && accesses[1].offset == CUIO_PCI_COMMAND);
  CHECK_EQUAL(device(), 0x0003 | MASKED);
  close(line.rearm_fd);
}

TEST(fact29_all_ones_are_a_function_that_has_gone) {
  start(0xffff);
  line.command = 7;
  CHECK_EQUAL(cuio_line_refresh_command(&line), -ENODEV);
  CHECK_EQUAL(cuio_line_set_bus_master(&line, true), -ENODEV);
  CHECK_EQUAL(line.command, 7);
  CHECK_EQUAL(device(), 0xffff);
  close(line.rearm_fd);
}

TEST(configuration_space_that_ends_early_is_an_error) {
  int fd = check_file(5);
  uint16_t command = 0x1234;
  CHECK_EQUAL(cuio_pci_command_read(fd, &command), -EIO);
  CHECK_EQUAL(command, 0x1234);
  close(fd);
  CHECK_EQUAL(cuio_pci_command_read(fd, &command), -EBADF);
  CHECK_EQUAL(cuio_pci_command_write(fd, 0), -EBADF);
  fd = open("/dev/full", O_RDWR | O_CLOEXEC);
  CHECK_EQUAL(cuio_pci_command_write(fd, 0), -ENOSPC);
  close(fd);
}

TEST(fact45_bus_master_is_kept_by_later_rearms) {
  start(0x0103 | MASKED);
  CHECK_EQUAL(cuio_line_refresh_command(&line), 0);
  CHECK_EQUAL(cuio_line_set_bus_master(&line, true), 0);
  CHECK_EQUAL(device(), 0x0107 | MASKED);
  CHECK_EQUAL(cuio_line_rearm(&line), 0);
  CHECK_EQUAL(device(), 0x0107);
  CHECK_EQUAL(cuio_line_set_bus_master(&line, false), 0);
  CHECK_EQUAL(device(), 0x0103);
  CHECK_EQUAL(cuio_line_mask(&line), 0);
  CHECK_EQUAL(device(), 0x0103 | MASKED);
  close(line.rearm_fd);
}

TEST(fact42_no_access_writes_the_upper_byte_of_command_alone) {
  start(0x0003);
  CHECK_EQUAL(cuio_line_refresh_command(&line), 0);
  CHECK_EQUAL(cuio_line_set_bus_master(&line, true), 0);
  CHECK_EQUAL(cuio_line_mask(&line), 0);
  CHECK_EQUAL(cuio_line_rearm(&line), 0);
  CHECK_EQUAL(cuio_line_set_bus_master(&line, false), 0);
  int writes = 0;
  for (int i = 0; i < access_count; i++) {
    CHECK_EQUAL(accesses[i].offset, CUIO_PCI_COMMAND);
    CHECK(accesses[i].length <= 2);
    writes += accesses[i].kind == WRITE;
  }
  CHECK_EQUAL(writes, 4);
  close(line.rearm_fd);
}

static void rearm_meanwhile(void) { CHECK_EQUAL(cuio_line_rearm(&line), 0); }

TEST(fact42_bus_master_does_not_bring_back_a_mask_that_a_rearm_has_cleared) {
  start(0x0003);
  CHECK_EQUAL(cuio_line_refresh_command(&line), 0);
  // An interrupt has masked the line; the dispatcher re-arms it between the reading and the writing of COMMAND.
  after_read = rearm_meanwhile;
  set_device(0x0003 | MASKED);
  CHECK_EQUAL(cuio_line_set_bus_master(&line, true), 0);
  CHECK_EQUAL(device(), 0x0007);
  close(line.rearm_fd);
}

static void set_bus_master_meanwhile(void) { CHECK_EQUAL(cuio_line_set_bus_master(&line, true), 0); }

static void refresh_meanwhile(void) { CHECK_EQUAL(cuio_line_refresh_command(&line), 0); }

TEST(fact45_a_look_at_command_does_not_forget_bus_master) {
  start(0x0003);
  CHECK_EQUAL(cuio_line_refresh_command(&line), 0);
  // A connect looks at the device, which another thread is about to make a bus master.
  after_read = refresh_meanwhile;
  CHECK_EQUAL(cuio_line_set_bus_master(&line, true), 0);
  CHECK_EQUAL(cuio_line_rearm(&line), 0);
  CHECK_EQUAL(device(), 0x0007);
  close(line.rearm_fd);
}

TEST(fact45_a_rearm_under_way_does_not_undo_bus_master) {
  start(0x0003);
  CHECK_EQUAL(cuio_line_refresh_command(&line), 0);
  // The old value is on its way to the device while another thread turns bus mastering on.
  before_write = set_bus_master_meanwhile;
  CHECK_EQUAL(cuio_line_rearm(&line), 0);
  CHECK_EQUAL(device(), 0x0007);
  close(line.rearm_fd);
}

TEST(fact45_a_mask_under_way_does_not_undo_bus_master) {
  start(0x0003);
  CHECK_EQUAL(cuio_line_refresh_command(&line), 0);
  before_write = set_bus_master_meanwhile;
  CHECK_EQUAL(cuio_line_mask(&line), 0);
  CHECK_EQUAL(device(), 0x0007 | MASKED);
  close(line.rearm_fd);
}
