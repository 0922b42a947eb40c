// Floor 0: epoll(7) by token, level-triggered. EventLoop alone calls it, on the thread of its loop (control, `vfio
// notices`), without a lock. A descriptor is reported until its handler has taken everything, and the token of one that
// was removed meanwhile names none. A dispatcher group has linux_poller.h instead: edge-triggered, by pointer, with a
// spin before it sleeps.
#ifndef LINUX_EPOLL_H
#define LINUX_EPOLL_H

#include "linux_attributes.h"

struct linux_event {
  uint64_t token;
  uint32_t is_readable : 1;
  uint32_t is_writable : 1;
  // Both directions are closed, or an error waits.
  uint32_t is_hung_up : 1;
};

int linux_epoll_create(void);
int linux_epoll_add(int epoll, int descriptor, bool reads, bool writes, uint64_t token);
int linux_epoll_modify(int epoll, int descriptor, bool reads, bool writes, uint64_t token);
int linux_epoll_remove(int epoll, int descriptor);

/// How many events came within `milliseconds` (-1: without end); 0 when a signal ended it.
int linux_epoll_wait(int epoll, struct linux_event *LINUX_NONNULL events, int room, int milliseconds);

#endif
