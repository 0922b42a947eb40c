// Floor 0: files that end in place. VFIO calls it through FileDescriptor+End.swift: the thread that opens a device
// makes the file, the thread `vfio notices` or the one that closes the group puts it in place. It takes no lock; VFIO's
// monitors are held where vectors or a group end, an interrupt lock never.
#define _GNU_SOURCE
#include "linux_end.h"

#include <fcntl.h>
#include <unistd.h>

int linux_end_create(void) {
  int ends[2];
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return -errno;
  close(ends[1]);
  return ends[0];
}

int linux_end_replace(int fd, int other) {
  // EBUSY: another thread is about to open a file under this number, which a number in use does not see for long.
  while (dup3(other, fd, O_CLOEXEC) < 0)
    if (errno != EINTR && errno != EBUSY) return -errno;
  return 0;
}
