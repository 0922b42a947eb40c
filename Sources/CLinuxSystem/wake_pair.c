// Floor 0: socketpair(2) as a wake-up for another process. Attachment signals on the dispatcher's thread with the
// interrupt lock held and on the control thread, SharedRing on the thread `observers`, so a signal never waits and
// takes no lock. A client drains its end on its own thread.
#include "linux_wake_pair.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

int linux_wake_pair_create(int ends[2]) {
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) return -errno;
  // Signals without a reader must not pile up: the kernel raises this to its least size.
  int least = 1;
  // Not for reading: a descriptor that waited here would be closed by the thread that closes this end.
  if (setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &least, sizeof least) == 0 && shutdown(ends[0], SHUT_RD) == 0)
    return 0;
  int error = errno;
  close(ends[0]);
  close(ends[1]);
  return -error;
}

int linux_wake_pair_signal(int end) {
  char signal = 1;
  return send(end, &signal, 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

int linux_wake_pair_drain(int end) {
  char signals[64];
  bool any = false;
  while (true) {
    ssize_t count = recv(end, signals, sizeof signals, MSG_DONTWAIT);
    if (count == (ssize_t)sizeof signals) any = true;
    else if (count > 0) return 0;
    // 0: the writer's end is closed, and so it stays readable.
    else return any || count == 0 ? 0 : -errno;
  }
}
