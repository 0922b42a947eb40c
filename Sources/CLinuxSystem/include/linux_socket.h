// Floor 0: AF_UNIX stream sockets: addresses, messages with descriptors, credentials. Varlink calls it, one thread at
// a time for each socket. Only linux_connect() waits; no lock.
#ifndef LINUX_SOCKET_H
#define LINUX_SOCKET_H

#include "cuio_attributes.h"

// The kernel's SCM_MAX_FD: no message carries more.
#define LINUX_DESCRIPTORS 253

/// A new stream socket with close-on-exec.
int linux_socket(void);

/// Connects; waits for room in the listener's queue as long as `timeout_milliseconds` (0: without end), then -EAGAIN.
int linux_connect(int socket, const char *CUIO_NONNULL name, size_t length, bool is_abstract,
                     uint64_t timeout_milliseconds);

/// Binds a socket whose node has no more than `mode` from its first moment.
int linux_bind(int socket, const char *CUIO_NONNULL name, size_t length, bool is_abstract, uint32_t mode);

/// Whether it is an AF_UNIX stream socket that listens: 1, 0 or -errno.
int linux_is_listener(int socket);

/// accept4, without blocking and with close-on-exec.
int linux_accept(int socket);

int linux_set_nonblocking(int descriptor);

/// Bytes waiting at the socket's front, left there and without their descriptors. 0 at the end, -EAGAIN when none wait.
long linux_peek(int socket, void *CUIO_NONNULL bytes, size_t room);

/// Takes bytes and the descriptors sent with them (close-on-exec), at most LINUX_DESCRIPTORS. `*is_cut`: some were
/// lost, for want of room in this process's table.
long linux_receive(int socket, void *CUIO_NONNULL bytes, size_t room, int *CUIO_NONNULL descriptors,
                      size_t *CUIO_NONNULL count, bool *CUIO_NONNULL is_cut);

/// Sends as much as fits without waiting and without SIGPIPE. The descriptors go with the first byte.
long linux_send(int socket, const void *CUIO_NONNULL bytes, size_t length,
                   const int *CUIO_NULLABLE descriptors, size_t count);

/// SO_PEERCRED.
int linux_peer(int socket, uint32_t *CUIO_NONNULL user, uint32_t *CUIO_NONNULL group,
                  int32_t *CUIO_NONNULL process);

/// SO_PEERGROUPS: how many there are, or -ERANGE when they are more than `room`.
int linux_peer_groups(int socket, uint32_t *CUIO_NONNULL groups, size_t room);

#endif
