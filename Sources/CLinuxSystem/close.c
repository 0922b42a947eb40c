// Floor 0: closing what others made. A timer of the closing thread sends it signals for as long as the close lasts: the
// kernel ends the waits of a last close (SO_LINGER, a terminal's output) when a signal is pending. The threads `closer`
// alone close here. The daemon's control thread shuts sockets down and asks how many descriptors the process has room
// for. No lock.
#define _GNU_SOURCE
#include "linux_close.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void end_wait(int signal) { (void)signal; }

// SIGURG is ignored by default, so another thread that gets one notices nothing.
static void handle(void) {
  struct sigaction action = {.sa_handler = end_wait, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  sigaction(SIGURG, &action, NULL);
}

static void unblock(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGURG);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void linux_close_within(int fd, unsigned milliseconds) {
  pthread_once(&once, handle);
  unblock();
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGURG};
  event.sigev_notify_thread_id = gettid();
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  struct itimerspec both = {time, time};
  timer_t timer;
  bool has_timer = timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
  if (has_timer) timer_settime(timer, 0, &both, NULL);
  close(fd);
  if (has_timer) timer_delete(timer);
}

void linux_shutdown(int socket) { shutdown(socket, SHUT_RDWR); }

int linux_reserve_descriptors(int fd, uint64_t most) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -errno;
  int last = fcntl(fd, F_DUPFD_CLOEXEC, (int)(limit.rlim_cur < most ? limit.rlim_cur : most) - 1);
  if (last < 0) return -errno;
  close(last);
  return 0;
}

int linux_next_descriptor(int fd) {
  int next = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (next < 0) return -errno;
  close(next);
  return next;
}
