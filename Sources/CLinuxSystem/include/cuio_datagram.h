// Floor 0: datagrams to a Unix socket, with descriptors: the protocol of the service manager and the journal. The
// daemon's Journal room (Output.swift) calls it, never on a dispatcher's thread; no lock.
#ifndef CUIO_DATAGRAM_H
#define CUIO_DATAGRAM_H

#include "cuio_attributes.h"

/// Descriptors that one message carries (SCM_MAX_FD of the kernel).
#define CUIO_DATAGRAM_DESCRIPTORS 253

/// A new close-on-exec datagram socket, or -errno. A send waits for `timeout_ms` at most; 0: not at all.
int cuio_datagram_create(int timeout_ms);

/// Sends `length` bytes and `count` descriptors to `address`: a path, or a name in the abstract namespace behind an @.
/// Returns 0 or -errno: -EINVAL (address of another kind), -E2BIG (more than CUIO_DATAGRAM_DESCRIPTORS),
/// -EMSGSIZE, -EAGAIN (not taken in time), -ECONNREFUSED or -ENOENT (no process listens).
int cuio_datagram_send(int fd, const char *CUIO_NONNULL address, const void *CUIO_NULLABLE bytes, size_t length,
                       const int *CUIO_NULLABLE descriptors, size_t count);

#endif
