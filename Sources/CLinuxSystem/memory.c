// Floor 0: sealed files in memory. Rings for clients (ring.c of CUIO), and the daemon's Systemd and Journal rooms make
// them, on their callers' threads, never in a dispatch; no lock.
#define _GNU_SOURCE
#include "linux_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static int sealed(int fd, int seals) {
  if (fcntl(fd, F_ADD_SEALS, seals | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0) return fd;
  int error = errno;
  close(fd);
  return -error;
}

int linux_memory_create(const char *name, uint64_t size) {
  int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return -errno;
  int error;
  do {
    if (ftruncate(fd, (off_t)size) == 0) return sealed(fd, 0);
    error = errno;
  } while (error == EINTR);
  close(fd);
  return -error;
}

int linux_memory_of_bytes(const char *name, const void *bytes, size_t length) {
  int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return -errno;
  for (size_t written = 0; written < length;) {
    ssize_t count = write(fd, (const char *)bytes + written, length - written);
    if (count >= 0) {
      written += (size_t)count;
    } else if (errno != EINTR) {
      int error = errno;
      close(fd);
      return -error;
    }
  }
  return sealed(fd, F_SEAL_WRITE);
}
