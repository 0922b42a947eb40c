// Bus errors of mapped registers. A mapping beyond the end of its file answers as a device does that has gone.
#define _GNU_SOURCE
#include "check.h"

#include "CUIO.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile sig_atomic_t is_expected;

// The handler of the program around the library, which is there first.
static void of_the_program(int number, siginfo_t *info, void *context) {
  (void)number, (void)info, (void)context;
  if (!is_expected) _exit(77);
  is_expected = 0;
  siglongjmp(back, 1);
}

__attribute__((constructor)) static void install(void) {
  struct sigaction action = {.sa_sigaction = of_the_program, .sa_flags = SA_SIGINFO};
  sigaction(SIGBUS, &action, NULL);
}

/// Two pages, of which none is there any more.
static uint8_t *gone(void) {
  int fd = check_file(2 * cuio_page_size());
  void *address = NULL;
  CHECK_EQUAL(cuio_map(fd, 0, 2 * cuio_page_size(), true, &address), 0);
  CHECK_EQUAL(ftruncate(fd, 0), 0);
  close(fd);
  return address;
}

TEST(bus_errors_of_a_device_read_as_ones_and_raise_its_flag) {
  uint32_t flag = 0, other = 0;
  uint8_t *device = gone(), *another = gone();
  CHECK_EQUAL(cuio_bus_error_expect(device, 2 * cuio_page_size(), &flag), 0);
  CHECK_EQUAL(cuio_bus_error_expect(another, 2 * cuio_page_size(), &other), 0);
  CHECK(!cuio_flag_is_up(&flag));
  CHECK_EQUAL(cuio_read32(device + 8), UINT32_MAX);
  CHECK(cuio_flag_is_up(&flag));
  CHECK(!cuio_flag_is_up(&other));
  // The other page as well, and a write.
  cuio_write32(device + cuio_page_size() + 4, 5);
  CHECK_EQUAL(cuio_read64(device + cuio_page_size() + 8), UINT64_MAX);
  cuio_write8(another, 1);
  CHECK(cuio_flag_is_up(&other));
  cuio_bus_error_forget(device);
  cuio_bus_error_forget(another);
  CHECK_EQUAL(cuio_unmap(device, 2 * cuio_page_size()), 0);
  CHECK_EQUAL(cuio_unmap(another, 2 * cuio_page_size()), 0);
}

TEST(V10_memory_that_is_taken_away_reads_as_ones_and_is_mapped_no_more) {
  size_t length = 2 * cuio_page_size();
  int fd = check_file(length);
  void *address = NULL;
  uint32_t flag = 0;
  CHECK_EQUAL(cuio_map(fd, 0, length, true, &address), 0);
  uint8_t *device = address;
  CHECK_EQUAL(cuio_bus_error_expect(device, length, &flag), 0);
  cuio_write32(device + 8, 5);
  CHECK_EQUAL(cuio_map_nothing(device, length), 0);
  CHECK_EQUAL(cuio_read32(device + 8), UINT32_MAX);
  CHECK(cuio_flag_is_up(&flag));
  cuio_write32(device + cuio_page_size(), 7);
  uint32_t values[2] = {0, 0};
  CHECK_EQUAL(pread(fd, &values[0], 4, 8), 4);
  CHECK_EQUAL(pread(fd, &values[1], 4, (off_t)cuio_page_size()), 4);
  CHECK_EQUAL(values[0], 5);
  CHECK_EQUAL(values[1], 0);
  cuio_bus_error_forget(device);
  CHECK_EQUAL(cuio_unmap(device, length), 0);
  close(fd);
}

TEST(bus_errors_of_other_memory_go_to_the_handler_that_was_there) {
  uint32_t flag = 0;
  uint8_t *device = gone();
  volatile uint8_t *other = gone();
  CHECK_EQUAL(cuio_bus_error_expect(device, 2 * cuio_page_size(), &flag), 0);
  if (sigsetjmp(back, 1) == 0) {
    is_expected = 1;
    (void)other[0];
  }
  CHECK(!is_expected);
  CHECK(!cuio_flag_is_up(&flag));
  // Memory of a device that was closed is other memory.
  cuio_bus_error_forget(device);
  if (sigsetjmp(back, 1) == 0) {
    is_expected = 1;
    (void)*(volatile uint8_t *)device;
  }
  CHECK(!is_expected);
  CHECK(!cuio_flag_is_up(&flag));
  CHECK_EQUAL(cuio_unmap(device, 2 * cuio_page_size()), 0);
  CHECK_EQUAL(cuio_unmap((void *)other, 2 * cuio_page_size()), 0);
}

TEST(bus_errors_of_more_devices_than_a_block_has_places_are_told_apart) {
  enum { DEVICES = 200 };
  static uint32_t flags[DEVICES];
  static uint8_t *devices[DEVICES];
  for (size_t i = 0; i < DEVICES; i++) {
    devices[i] = gone();
    CHECK_EQUAL(cuio_bus_error_expect(devices[i], 2 * cuio_page_size(), &flags[i]), 0);
  }
  for (size_t i = 0; i < DEVICES; i += 3) CHECK_EQUAL(cuio_read8(devices[i]), 0xff);
  for (size_t i = 0; i < DEVICES; i++) {
    CHECK_EQUAL(cuio_flag_is_up(&flags[i]), i % 3 == 0);
    cuio_bus_error_forget(devices[i]);
    CHECK_EQUAL(cuio_unmap(devices[i], 2 * cuio_page_size()), 0);
  }
}

TEST(bus_errors_sent_by_a_process_are_no_devices) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    uint32_t flag = 0;
    uint8_t *device = gone();
    CHECK_EQUAL(cuio_bus_error_expect(device, 2 * cuio_page_size(), &flag), 0);
    raise(SIGBUS);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 77);
}
