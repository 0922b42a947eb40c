// Floor 0: access to ports through a file, one system call each, and the mappings of registers. RegisterRegion calls it
// for each access and when it ends, UIO and VFIO when they open a region or a device, rings to unmap. Any thread, also
// with the interrupt lock held; it takes none. The device orders what one thread writes, only that lock orders several.
#define _GNU_SOURCE
#include "cuio_register.h"

#include <endian.h>
#include <sys/mman.h>
#include <unistd.h>

static bool is_width(uint32_t width) { return width == 1 || width == 2 || width == 4; }

// The resource file carries the port's bytes in memory order; the kernel makes one port access of each call.
int cuio_port_read(int fd, uint64_t offset, uint32_t width, uint32_t *value) {
  union { uint8_t b; uint16_t w; uint32_t l; } raw = {.l = 0};
  if (!is_width(width)) return -EINVAL;
  ssize_t length = pread(fd, &raw, width, (off_t)offset);
  if (length != (ssize_t)width) return length < 0 ? -errno : -EIO;
  *value = width == 1 ? raw.b : width == 2 ? raw.w : raw.l;
  return 0;
}

int cuio_port_write(int fd, uint64_t offset, uint32_t width, uint32_t value) {
  union { uint8_t b; uint16_t w; uint32_t l; } raw = {.l = 0};
  if (!is_width(width)) return -EINVAL;
  if (width == 1) raw.b = (uint8_t)value;
  else if (width == 2) raw.w = (uint16_t)value;
  else raw.l = value;
  ssize_t length = pwrite(fd, &raw, width, (off_t)offset);
  if (length != (ssize_t)width) return length < 0 ? -errno : -EIO;
  return 0;
}

// Always shared: a private mapping is accepted by UIO and then keeps writes to itself (fact 34).
int cuio_map(int fd, uint64_t offset, size_t length, bool writable, void **address) {
  int protection = PROT_READ | (writable ? PROT_WRITE : 0);
  void *mapped = mmap(NULL, length, protection, MAP_SHARED, fd, (off_t)offset);
  if (mapped == MAP_FAILED) return -errno;
  *address = mapped;
  return 0;
}

int cuio_unmap(void *address, size_t length) { return munmap(address, length) == 0 ? 0 : -errno; }

// All of an empty file is beyond its end. Without such a file, memory that reads as zeros: what matters is that the
// device's is gone.
int cuio_map_nothing(void *address, size_t length) {
  int protection = PROT_READ | PROT_WRITE, file = memfd_create("no device", MFD_CLOEXEC);
  void *mapped = MAP_FAILED;
  if (file >= 0) {
    mapped = mmap(address, length, protection, MAP_SHARED | MAP_FIXED, file, 0);
    close(file);
  }
  if (mapped == MAP_FAILED) mapped = mmap(address, length, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  return mapped == address ? 0 : -errno;
}

size_t cuio_page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }
