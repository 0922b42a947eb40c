// Floor 0: closing what others made. The last close of some files waits: a socket with SO_LINGER for its peer, a
// terminal for its output. The threads of `DescriptorCloser` alone call linux_close_within(). The other calls never
// wait: the daemon's control thread makes them, in Varlink's server and the Service room. No lock.
#ifndef LINUX_CLOSE_H
#define LINUX_CLOSE_H

#include "linux_attributes.h"

/// Closes a descriptor, and so everything that waits unread in it. A wait that a signal may end lasts no longer than
/// about `milliseconds`. Takes SIGURG for it, which it unblocks for the calling thread alone.
void linux_close_within(int fd, unsigned milliseconds);

/// Ends a connection in both directions: its peer reads the end. Unread bytes stay, and nothing is closed.
void linux_shutdown(int socket);

/// Grows the process's table of descriptors to its limit, `most` entries at most. It never shrinks. The kernel grows it
/// where it is too small for a new descriptor, and in a process of several threads that call then waits for every
/// processor (synchronize_rcu(), 10 ms and more): so before there are other threads.
///
/// - Parameter fd: any open descriptor. Returns 0 or -errno.
int linux_reserve_descriptors(int fd, uint64_t most);

/// The lowest number that a new descriptor would get now, or -errno.
int linux_next_descriptor(int fd);

#endif
