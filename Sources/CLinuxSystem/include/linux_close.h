// Floor 0: closing what others made. The last close of some files waits: a socket with SO_LINGER for its peer, a
// terminal for its output. The threads of `DescriptorCloser` call it, each without a lock; never the control thread and
// never a dispatcher's.
#ifndef LINUX_CLOSE_H
#define LINUX_CLOSE_H

#include "linux_attributes.h"

/// Closes a descriptor, and so everything that waits unread in it. A wait that a signal may end lasts no longer than
/// about `milliseconds`. Takes SIGURG for it, which it unblocks for the calling thread alone.
void linux_close_within(int fd, unsigned milliseconds);

/// Ends a connection in both directions: its peer reads the end. Unread bytes stay, and nothing is closed.
void linux_shutdown(int socket);

/// The lowest number that a new descriptor would get now, or -errno.
int linux_next_descriptor(int fd);

#endif
