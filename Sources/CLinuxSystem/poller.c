// Floor 0: edge-triggered epoll(7) for a dispatcher group. GroupThread alone calls it; linux_poller.h says on which
// threads. It takes no lock. None is held but for linux_poller_remove(), which may come with the group's monitor,
// and inside a routine on the group's thread with its interrupt lock, too.
#include "linux_poller.h"

#include "linux_clock.h"
#include "linux_pause.h"

#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

int linux_poller_create(void) {
  int poller = epoll_create1(EPOLL_CLOEXEC);
  return poller >= 0 ? poller : -errno;
}

static int control(int poller, int operation, int fd, void *context, bool for_counts) {
  struct epoll_event event = {.events = EPOLLET | (for_counts ? EPOLLIN : 0), .data.ptr = context};
  return epoll_ctl(poller, operation, fd, &event) == 0 ? 0 : -errno;
}

int linux_poller_add(int poller, int fd, void *context) { return control(poller, EPOLL_CTL_ADD, fd, context, true); }

int linux_poller_listen(int poller, int fd, void *context, bool for_counts) {
  return control(poller, EPOLL_CTL_MOD, fd, context, for_counts);
}

int linux_poller_remove(int poller, int fd) { return control(poller, EPOLL_CTL_DEL, fd, NULL, false); }

// epoll_wait(2) without a cancellation point, which costs two atomics: no code cancels a group's thread. What the thread
// sanitizer knows of descriptors it learns from the C library's calls.
static int wait_for(int poller, struct epoll_event *events, int timeout_ms) {
#if defined(CUIO_SANITIZE_THREAD)
  return epoll_wait(poller, events, LINUX_POLLER_BATCH, timeout_ms);
#else
  return (int)syscall(SYS_epoll_pwait, poller, events, LINUX_POLLER_BATCH, timeout_ms, NULL, (size_t)8);
#endif
}

#if defined(LINUX_PAUSE_POINTS)
static bool has_ready(const void *unused, uint64_t poller) {
  (void)unused;
  struct pollfd polled = {.fd = (int)poller, .events = POLLIN};
  return poll(&polled, 1, 0) != 0;
}
#endif

int linux_poller_wait(int poller, linux_ready *ready, int timeout_ms) {
  if (timeout_ms != 0) LINUX_PAUSE_UNTIL("sleep", has_ready, NULL, (uint64_t)poller);
  struct epoll_event events[LINUX_POLLER_BATCH];
  int count = wait_for(poller, events, timeout_ms);
  if (count < 0) return 0;
  for (int i = 0; i < count; i++)
    ready[i] = (linux_ready){.context = events[i].data.ptr, .is_dead = (events[i].events & (EPOLLERR | EPOLLHUP)) != 0};
  return count;
}

int linux_poller_spin(int poller, linux_ready *ready, uint64_t budget, uint64_t yield_after) {
  uint64_t start = linux_ticks(), now = start, yielded = start;
  while (now - start < budget) {
    linux_relax_between_reads();
    int count = linux_poller_wait(poller, ready, 0);
    if (count != 0) return count;
    now = linux_ticks();
    if (yield_after != 0 && now - yielded >= yield_after) {
      sched_yield();
      yielded = now;
    }
  }
  return 0;
}
