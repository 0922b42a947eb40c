// Floor 0: level-triggered epoll(7) by token. EventLoop alone calls it, on the thread of its loop: the daemon's control
// thread or `vfio notices`. No lock.
#include "linux_epoll.h"

#include <sys/epoll.h>

enum { ROOM = 64 };

int linux_epoll_create(void) {
  int result = epoll_create1(EPOLL_CLOEXEC);
  return result < 0 ? -errno : result;
}

static int change(int epoll, int operation, int descriptor, bool reads, bool writes, uint64_t token) {
  struct epoll_event event = {.events = (reads ? EPOLLIN : 0u) | (writes ? EPOLLOUT : 0u), .data.u64 = token};
  return epoll_ctl(epoll, operation, descriptor, &event) < 0 ? -errno : 0;
}

int linux_epoll_add(int epoll, int descriptor, bool reads, bool writes, uint64_t token) {
  return change(epoll, EPOLL_CTL_ADD, descriptor, reads, writes, token);
}

int linux_epoll_modify(int epoll, int descriptor, bool reads, bool writes, uint64_t token) {
  return change(epoll, EPOLL_CTL_MOD, descriptor, reads, writes, token);
}

int linux_epoll_remove(int epoll, int descriptor) {
  return change(epoll, EPOLL_CTL_DEL, descriptor, false, false, 0);
}

int linux_epoll_wait(int epoll, struct linux_event *events, int room, int milliseconds) {
  struct epoll_event found[ROOM];
  int count = epoll_wait(epoll, found, room < ROOM ? room : ROOM, milliseconds);
  if (count < 0) return errno == EINTR ? 0 : -errno;
  for (int i = 0; i < count; i++)
    events[i] = (struct linux_event){.token = found[i].data.u64,
                                        .is_readable = (found[i].events & EPOLLIN) != 0,
                                        .is_writable = (found[i].events & EPOLLOUT) != 0,
                                        .is_hung_up = (found[i].events & (EPOLLHUP | EPOLLERR)) != 0};
  return count;
}
