// Floor 0: huge pages, pinned, and where they are. MachineMemory calls it through MemoryOperation.swift, with its
// monitor held, on the thread that makes or releases a buffer: at PASSIVE level without an interrupt lock, as each call
// may wait for memory.
#define _GNU_SOURCE
#include "linux_huge_page.h"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/mman.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

int linux_huge_page_map(unsigned shift, void **address) {
  // Shared, so that copy-on-write after a fork moves nothing. Not MAP_LOCKED: such pages are never swapped (fact 60).
  int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB | (int)(shift << MAP_HUGE_SHIFT);
  void *start = mmap(NULL, (size_t)1 << shift, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (start == MAP_FAILED) return -errno;
  *address = start;
  return 0;
}

// A registered buffer of io_uring is the one way to a long-term pin that every program has: nothing is submitted to the
// ring. It faults the pages in, so that a control group's limit is an error here and no SIGBUS later.
int linux_memory_pin(void *address, size_t length) {
  struct io_uring_params parameters = {0};
  long ring = syscall(SYS_io_uring_setup, 1, &parameters);
  if (ring < 0) return -errno;
  struct iovec memory = {.iov_base = address, .iov_len = length};
  if (syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &memory, 1) == 0) return (int)ring;
  int error = errno;
  close((int)ring);
  return -error;
}

int linux_memory_unpin(int pin) {
  return syscall(SYS_io_uring_register, pin, IORING_UNREGISTER_BUFFERS, NULL, 0) == 0 ? 0 : -errno;
}

// An entry of /proc/self/pagemap: bits 0 to 54 are the page's number, bit 63 says that it is in memory.
enum { ENTRIES = 512 };
#define FRAME(entry) ((entry) & ((UINT64_C(1) << 55) - 1))
#define IS_PRESENT(entry) ((entry) >> 63 != 0)

// Whether `count` entries from number `index` on continue what began with the page `first`, which entry 0 sets.
static int follow(const uint64_t *entries, size_t count, uint64_t *first, uint64_t index) {
  for (size_t i = 0; i < count; i++) {
    if (!IS_PRESENT(entries[i])) return -EFAULT;
    if (FRAME(entries[i]) == 0) return -EPERM;
    if (index + i == 0) *first = FRAME(entries[i]);
    if (FRAME(entries[i]) != *first + index + i) return -EXDEV;
  }
  return 0;
}

int linux_memory_locate(const void *address, size_t length, uint64_t *physical) {
  uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), first = 0, entries[ENTRIES];
  uint64_t all = (length + page - 1) / page;
  int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (file < 0) return -errno;
  int result = 0;
  for (uint64_t index = 0; index < all && result == 0; index += ENTRIES) {
    size_t count = all - index < ENTRIES ? all - index : ENTRIES;
    off_t place = (off_t)(((uintptr_t)address / page + index) * sizeof *entries);
    ssize_t got = pread(file, entries, count * sizeof *entries, place);
    if (got < 0)
      result = -errno;
    else
      result = (size_t)got == count * sizeof *entries ? follow(entries, count, &first, index) : -EIO;
  }
  close(file);
  *physical = first * page;
  return result;
}
