// Files in memory: a sealed file cannot change.
#define _GNU_SOURCE
#include "check.h"

#include "CUIO.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t size_of(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 ? (int64_t)status.st_size : -1;
}

TEST(memory_keeps_its_size_and_can_be_written) {
  int fd = linux_memory_create("check", 10000);
  CHECK(fd >= 0);
  CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
  CHECK_EQUAL(size_of(fd), 10000);
  CHECK_EQUAL(ftruncate(fd, 9999), -1);
  CHECK_EQUAL(ftruncate(fd, 10001), -1);
  CHECK_EQUAL(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
  char bytes[3] = {1, 2, 3}, found[5];
  CHECK_EQUAL(pwrite(fd, bytes, 3, 9997), 3);
  CHECK_EQUAL(pread(fd, found, 5, 9995), 5);
  CHECK_EQUAL(memcmp(found, "\0\0\1\2\3", 5), 0);
  close(fd);
}

TEST(memory_of_bytes_is_theirs_for_good) {
  char bytes[] = "what it is for";
  int fd = linux_memory_of_bytes("check", bytes, sizeof bytes);
  CHECK(fd >= 0);
  bytes[0] = '!';
  char found[sizeof bytes];
  CHECK_EQUAL(pread(fd, found, sizeof found, 0), sizeof found);
  CHECK_EQUAL(strcmp(found, "what it is for"), 0);
  CHECK_EQUAL(pwrite(fd, bytes, 1, 0), -1);
  CHECK_EQUAL(ftruncate(fd, 0), -1);
  CHECK(mmap(NULL, 1, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
  close(fd);
}

TEST(memory_of_no_bytes_is_empty) {
  int fd = linux_memory_of_bytes("check", NULL, 0);
  CHECK(fd >= 0);
  CHECK_EQUAL(size_of(fd), 0);
  close(fd);
}

TEST(memory_says_what_the_kernel_refuses) {
  char name[300];
  memset(name, 'n', sizeof name - 1);
  name[sizeof name - 1] = 0;
  // Longer than memfd_create(2) takes.
  CHECK_EQUAL(linux_memory_create(name, 1), -EINVAL);
  CHECK_EQUAL(linux_memory_of_bytes(name, "", 1), -EINVAL);
  CHECK(linux_memory_create("check", UINT64_MAX) < 0);
}
