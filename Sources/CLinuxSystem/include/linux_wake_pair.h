// Floor 0: a wake-up for another process, through a pair of connected sockets. Attachment signals on the dispatcher's
// thread with the interrupt lock held and on the control thread, SharedRing on the thread `observers`; a client drains
// its end on its own thread. It takes no lock and never waits. O_NONBLOCK belongs to the open file: an eventfd that
// another process has can be made to block its writer, so each end is an open file of its own. It is no pipe: a pipe's
// reader can hold the pipe's lock while its own memory faults, and a writer waits for that lock.
#ifndef LINUX_WAKE_PAIR_H
#define LINUX_WAKE_PAIR_H

#include "linux_attributes.h"

/// A new pair, close-on-exec: `ends[0]` is this process's, `ends[1]` is for the other process, non-blocking. The other
/// process can send nothing through it. Returns 0 or -errno.
int linux_wake_pair_create(int ends[LINUX_NONNULL 2]);

/// Makes the other end readable. Never waits, whatever the other process does with its end, and raises no signal.
/// Returns 0 or -errno; -EAGAIN when earlier signals fill the socket, which is a wake-up all the same.
LINUX_HOT int linux_wake_pair_signal(int end);

/// Takes the signals that have come to `ends[1]`. Returns 0 or -errno; -EAGAIN when there was none.
int linux_wake_pair_drain(int end);

#endif
