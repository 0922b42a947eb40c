// Floor 0: the claim of a device node, by locks of fcntl(2). UIODevice calls it through NodeClaim.swift, when an object
// connects or disconnects and while a line is checked. On the caller's thread without an interrupt lock; nothing waits.
// A close of any other descriptor of the node by this process drops one of the two locks.
#define _GNU_SOURCE
#include "linux_claim.h"

#include <fcntl.h>

// Bytes of the node that only these locks use: a device has no such places.
static struct flock of_the_open_file(short type) {
  return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
}
static struct flock of_the_process(short type) {
  return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = 1, .l_len = 1};
}

static int busy(int fd, int32_t *holder) {
  struct flock lock = of_the_process(F_WRLCK);
  bool is_known = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  *holder = is_known ? lock.l_pid : 0;
  return -EBUSY;
}

int linux_claim_take(int fd, int32_t *holder) {
  *holder = 0;
  struct flock lock = of_the_open_file(F_WRLCK);
  if (fcntl(fd, F_OFD_SETLK, &lock) != 0) return errno == EAGAIN || errno == EACCES ? busy(fd, holder) : -errno;
  // Refused, the first lock stays: it is that of the process which has the second.
  lock = of_the_process(F_WRLCK);
  if (fcntl(fd, F_SETLK, &lock) != 0) return errno == EAGAIN || errno == EACCES ? busy(fd, holder) : -errno;
  return 0;
}

void linux_claim_release(int fd) {
  struct flock lock = of_the_open_file(F_UNLCK);
  fcntl(fd, F_OFD_SETLK, &lock);
  lock = of_the_process(F_UNLCK);
  fcntl(fd, F_SETLK, &lock);
}
