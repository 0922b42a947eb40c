// Floor 0: edge-triggered epoll(7) for the thread of a dispatcher group.
#include "cuio_poller.h"

#include "cuio_clock.h"

#include <sched.h>
#include <sys/epoll.h>

int cuio_poller_create(void) {
  int poller = epoll_create1(EPOLL_CLOEXEC);
  return poller >= 0 ? poller : -errno;
}

static int control(int poller, int operation, int fd, void *context, bool for_counts) {
  struct epoll_event event = {.events = EPOLLET | (for_counts ? EPOLLIN : 0), .data.ptr = context};
  return epoll_ctl(poller, operation, fd, &event) == 0 ? 0 : -errno;
}

int cuio_poller_add(int poller, int fd, void *context) { return control(poller, EPOLL_CTL_ADD, fd, context, true); }

int cuio_poller_listen(int poller, int fd, void *context, bool for_counts) {
  return control(poller, EPOLL_CTL_MOD, fd, context, for_counts);
}

int cuio_poller_remove(int poller, int fd) { return control(poller, EPOLL_CTL_DEL, fd, NULL, false); }

int cuio_poller_wait(int poller, cuio_ready *ready, int timeout_ms) {
  struct epoll_event events[CUIO_POLLER_BATCH];
  int count = epoll_wait(poller, events, CUIO_POLLER_BATCH, timeout_ms);
  if (count < 0) return 0;
  for (int i = 0; i < count; i++)
    ready[i] = (cuio_ready){.context = events[i].data.ptr, .is_dead = (events[i].events & (EPOLLERR | EPOLLHUP)) != 0};
  return count;
}

int cuio_poller_spin(int poller, cuio_ready *ready, uint64_t budget, uint64_t yield_after) {
  uint64_t start = cuio_ticks(), now = start, yielded = start;
  while (now - start < budget) {
    cuio_relax_between_reads();
    int count = cuio_poller_wait(poller, ready, 0);
    if (count != 0) return count;
    now = cuio_ticks();
    if (yield_after != 0 && now - yielded >= yield_after) {
      sched_yield();
      yielded = now;
    }
  }
  return 0;
}
