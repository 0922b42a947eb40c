// Registers of every width, port access through a file, mappings.
#define _GNU_SOURCE
#include "check.h"

#include "CUIO.h"

#include <string.h>
#include <unistd.h>

TEST(registers_of_every_width_read_back_what_was_written) {
  _Alignas(8) uint8_t bytes[16] = {0};
  cuio_write8(bytes + 1, 0xa5);
  cuio_write16(bytes + 2, 0x1234);
  cuio_write32(bytes + 4, 0xdeadbeef);
  cuio_write64(bytes + 8, 0x0123456789abcdef);
  static const uint8_t wanted[16] = {0,    0xa5, 0x34, 0x12, 0xef, 0xbe, 0xad, 0xde,
                                     0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01};
  CHECK(memcmp(bytes, wanted, sizeof bytes) == 0);
  CHECK_EQUAL(cuio_read8(bytes + 1), 0xa5);
  CHECK_EQUAL(cuio_read16(bytes + 2), 0x1234);
  CHECK_EQUAL(cuio_read32(bytes + 4), 0xdeadbeef);
  CHECK_EQUAL(cuio_read64(bytes + 8), 0x0123456789abcdef);
}

TEST(fact38_ports_are_read_and_written_at_their_width) {
  int fd = check_file(8);
  uint32_t value = 0;
  CHECK_EQUAL(cuio_port_write(fd, 0, 1, 0x1a5), 0);
  CHECK_EQUAL(cuio_port_write(fd, 2, 2, 0x51234), 0);
  CHECK_EQUAL(cuio_port_write(fd, 4, 4, 0xdeadbeef), 0);
  uint8_t bytes[8];
  CHECK_EQUAL(pread(fd, bytes, sizeof bytes, 0), sizeof bytes);
  CHECK(memcmp(bytes, "\xa5\x00\x34\x12\xef\xbe\xad\xde", sizeof bytes) == 0);
  CHECK_EQUAL(cuio_port_read(fd, 0, 1, &value), 0);
  CHECK_EQUAL(value, 0xa5);
  CHECK_EQUAL(cuio_port_read(fd, 2, 2, &value), 0);
  CHECK_EQUAL(value, 0x1234);
  CHECK_EQUAL(cuio_port_read(fd, 4, 4, &value), 0);
  CHECK_EQUAL(value, 0xdeadbeef);
  close(fd);
}

TEST(ports_past_the_end_and_closed_files_are_errors) {
  int fd = check_file(6);
  uint32_t value = 77;
  CHECK_EQUAL(cuio_port_read(fd, 4, 4, &value), -EIO);
  CHECK_EQUAL(cuio_port_read(fd, 6, 1, &value), -EIO);
  CHECK_EQUAL(value, 77);
  close(fd);
  CHECK_EQUAL(cuio_port_read(fd, 0, 1, &value), -EBADF);
  CHECK_EQUAL(cuio_port_write(fd, 0, 1, 0), -EBADF);
}

TEST(ports_take_no_other_width_than_one_two_and_four) {
  int fd = check_file(64);
  // Room on both sides, so that a wider transfer would be seen here before it harmed the stack.
  struct { uint64_t before; uint32_t value; uint32_t after; uint64_t end; } around = {1, 2, 3, 4};
  static const uint32_t widths[] = {0, 3, 5, 8, 16};
  for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
    CHECK_EQUAL(cuio_port_read(fd, 0, widths[i], &around.value), -EINVAL);
    CHECK_EQUAL(cuio_port_write(fd, 0, widths[i], 0), -EINVAL);
  }
  CHECK(around.before == 1 && around.value == 2 && around.after == 3 && around.end == 4);
  close(fd);
}

TEST(fact34_a_mapping_is_shared_and_begins_at_the_offset) {
  size_t page = cuio_page_size();
  CHECK(page >= 4096 && (page & (page - 1)) == 0);
  CHECK_EQUAL(page, sysconf(_SC_PAGESIZE));
  int fd = check_file(2 * page);
  void *address = NULL;
  CHECK_EQUAL(cuio_map(fd, page, page, true, &address), 0);
  if (address == NULL) return;
  cuio_write32((uint8_t *)address + 8, 0x01020304);
  uint32_t value = 0;
  CHECK_EQUAL(pread(fd, &value, sizeof value, (off_t)page + 8), sizeof value);
  CHECK_EQUAL(value, 0x01020304);
  CHECK_EQUAL(cuio_unmap(address, page), 0);
  close(fd);
}

TEST(mapping_errors_are_the_kernels) {
  size_t page = cuio_page_size();
  int fd = check_file(page);
  void *address = (void *)1;
  CHECK_EQUAL(cuio_map(fd, 1, page, true, &address), -EINVAL);
  CHECK_EQUAL(cuio_map(fd, 0, 0, true, &address), -EINVAL);
  CHECK_EQUAL(cuio_map(fd, 0, SIZE_MAX / 2, true, &address), -ENOMEM);
  CHECK_EQUAL(cuio_unmap((void *)1, page), -EINVAL);
  close(fd);
  CHECK_EQUAL(cuio_map(fd, 0, page, true, &address), -EBADF);
  CHECK(address == (void *)1);
}
