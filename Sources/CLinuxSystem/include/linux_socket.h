// Floor 0: AF_UNIX sockets. Streams for Varlink: addresses, messages with descriptors, credentials; one thread at a
// time for each socket, the daemon's control thread or a client's. Datagrams with descriptors for the daemon's Journal
// room (Output.swift), the protocol of the service manager and the journal; never on a dispatcher's thread. Only
// linux_connect() and linux_datagram_send() wait. No lock is taken; the journal's monitor may be held.
#ifndef LINUX_SOCKET_H
#define LINUX_SOCKET_H

#include "linux_attributes.h"

// The kernel's SCM_MAX_FD: no message carries more.
#define LINUX_DESCRIPTORS 253

/// A new stream socket with close-on-exec.
int linux_socket(void);

/// Connects; waits for room in the listener's queue as long as `timeout_milliseconds` (0: without end), then -EAGAIN.
int linux_connect(int socket, const char *LINUX_NONNULL name, size_t length, bool is_abstract,
                  uint64_t timeout_milliseconds);

/// Binds a socket whose node has no more than `mode` from its first moment.
int linux_bind(int socket, const char *LINUX_NONNULL name, size_t length, bool is_abstract, uint32_t mode);

/// Whether it is an AF_UNIX stream socket that listens: 1, 0 or -errno.
int linux_is_listener(int socket);

/// accept4, without blocking and with close-on-exec.
int linux_accept(int socket);

int linux_set_nonblocking(int descriptor);

/// What a stream socket, and those that come in on it, take besides bytes: descriptors or nothing, and never
/// credentials, whatever its maker asked for. -ENOPROTOOPT before Linux 6.16 (SO_PASSRIGHTS), where every peer can send
/// descriptors.
int linux_accept_descriptors(int socket, bool may);

/// Bytes waiting at the socket's front, left there. 0 at the end, -EAGAIN when none wait. `*has_descriptors`: some were
/// sent with these bytes. They stay with them, and none is opened here.
long linux_peek(int socket, void *LINUX_NONNULL bytes, size_t room, bool *LINUX_NONNULL has_descriptors);

/// Takes bytes and the descriptors sent with them (close-on-exec), at most LINUX_DESCRIPTORS. `*is_cut`: some were
/// lost, for want of room in this process's table.
long linux_receive(int socket, void *LINUX_NONNULL bytes, size_t room, int *LINUX_NONNULL descriptors,
                   size_t *LINUX_NONNULL count, bool *LINUX_NONNULL is_cut);

/// Sends as much as fits without waiting and without SIGPIPE. The descriptors go with the first byte.
long linux_send(int socket, const void *LINUX_NONNULL bytes, size_t length,
                const int *LINUX_NULLABLE descriptors, size_t count);

/// SO_PEERCRED.
int linux_peer(int socket, uint32_t *LINUX_NONNULL user, uint32_t *LINUX_NONNULL group,
               int32_t *LINUX_NONNULL process);

/// SO_PEERGROUPS: how many there are, or -ERANGE when they are more than `room`.
int linux_peer_groups(int socket, uint32_t *LINUX_NONNULL groups, size_t room);

/// A new close-on-exec datagram socket, or -errno. A send waits for `timeout_ms` at most; 0: not at all.
int linux_datagram_create(int timeout_ms);

/// Sends `length` bytes and `count` descriptors to `address`: a path, or a name in the abstract namespace behind an @.
/// Returns 0 or -errno: -EINVAL (address of another kind), -E2BIG (more than LINUX_DESCRIPTORS),
/// -EMSGSIZE, -EAGAIN (not taken in time), -ECONNREFUSED or -ENOENT (no process listens).
int linux_datagram_send(int fd, const char *LINUX_NONNULL address, const void *LINUX_NULLABLE bytes, size_t length,
                        const int *LINUX_NULLABLE descriptors, size_t count);

#endif
