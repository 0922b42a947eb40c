// Floor 0: signalfd, timerfd and the identity of this process, for one poll that waits for everything. The daemon's
// control thread, interruptsyncctl's main thread, and the thread of each event loop (control, `vfio notices`) call it,
// each for its own descriptors. No lock.
#include "linux_control.h"

#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/vfs.h>
#include <unistd.h>

int linux_signal_create(const int *signals, size_t count) {
  sigset_t set;
  sigemptyset(&set);
  for (size_t i = 0; i < count; i++) sigaddset(&set, signals[i]);
  int result = pthread_sigmask(SIG_BLOCK, &set, NULL);
  if (result != 0) return -result;
  int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  return fd >= 0 ? fd : -errno;
}

// PID_FS_MAGIC of the kernel's magic.h, where process descriptors have inodes of their own.
#define PROCESS_FILE_SYSTEM 0x50494446

int linux_process_identity(uint64_t *identity) {
  int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
  if (fd < 0) return -errno;
  struct statfs system;
  struct stat status;
  int result = fstatfs(fd, &system) != 0 || fstat(fd, &status) != 0 ? -errno : 0;
  close(fd);
  if (result != 0) return result;
  if (system.f_type != PROCESS_FILE_SYSTEM) return -EOPNOTSUPP;
  *identity = status.st_ino;
  return 0;
}

int linux_signal_read(int fd) {
  struct signalfd_siginfo info;
  return read(fd, &info, sizeof info) == (ssize_t)sizeof info ? (int)info.ssi_signo : -EAGAIN;
}

static struct timespec timespec_of(uint64_t nanoseconds) {
  return (struct timespec){(time_t)(nanoseconds / 1000000000u), (long)(nanoseconds % 1000000000u)};
}

int linux_timer_create(uint64_t period_ns) {
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (fd < 0) return -errno;
  struct timespec period = timespec_of(period_ns);
  struct itimerspec timer = {.it_interval = period, .it_value = period};
  if (timerfd_settime(fd, 0, &timer, NULL) == 0) return fd;
  int error = errno;
  close(fd);
  return -error;
}

int linux_timer_arm(int fd, uint64_t nanoseconds) {
  struct itimerspec timer = {.it_value = timespec_of(nanoseconds)};
  return timerfd_settime(fd, TFD_TIMER_ABSTIME, &timer, NULL) == 0 ? 0 : -errno;
}

uint64_t linux_timer_read(int fd) {
  uint64_t ticks;
  return read(fd, &ticks, sizeof ticks) == (ssize_t)sizeof ticks ? ticks : 0;
}
