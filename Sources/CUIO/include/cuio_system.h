// Floor 0: the system calls that read a line's count, re-arm and mask it; cuio_line.h, line.c and edge_line.c alone
// call them. Only the thread that serves the line reads, before it takes the interrupt lock. Any thread may write: with
// that lock held in a dispatch and at connect, disconnect and release, without it while a line is being opened or its
// bus-master bit set. They leave out the C library's cancellation points: no code cancels a dispatcher's thread, and
// supporting it in read(2) and write(2) costs 2 % of a dispatch.
#ifndef CUIO_SYSTEM_H
#define CUIO_SYSTEM_H

#include "linux_attributes.h"

#include <sys/syscall.h>
#include <unistd.h>

// What the thread sanitizer knows of descriptors it learns from the C library's calls. On 32 bits an offset takes two
// arguments, in an order of each architecture's own.
#if defined(CUIO_SANITIZE_THREAD) || __SIZEOF_LONG__ < 8
#define CUIO_LIBRARY_CALLS 1
#endif

/// read(2): the same result, the same errno.
LINUX_HOT static inline ssize_t cuio_system_read(int fd, void *LINUX_NONNULL bytes, size_t length) {
#if defined(CUIO_LIBRARY_CALLS)
  return read(fd, bytes, length);
#else
  return syscall(SYS_read, (long)fd, bytes, length);
#endif
}

/// write(2), likewise.
LINUX_HOT static inline ssize_t cuio_system_write(int fd, const void *LINUX_NONNULL bytes, size_t length) {
#if defined(CUIO_LIBRARY_CALLS)
  return write(fd, bytes, length);
#else
  return syscall(SYS_write, (long)fd, bytes, length);
#endif
}

/// pwrite(2), likewise.
LINUX_HOT static inline ssize_t cuio_system_pwrite(int fd, const void *LINUX_NONNULL bytes, size_t length,
                                                   off_t offset) {
#if defined(CUIO_LIBRARY_CALLS)
  return pwrite(fd, bytes, length, offset);
#else
  return syscall(SYS_pwrite64, (long)fd, bytes, length, offset);
#endif
}

#endif
