// AF_UNIX stream sockets: addresses, messages with descriptors, credentials.
#ifndef CVARLINK_SOCKET_H
#define CVARLINK_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#define CVARLINK_NONNULL _Nonnull
#define CVARLINK_NULLABLE _Nullable
#else
#define CVARLINK_NONNULL
#define CVARLINK_NULLABLE
#endif

// The kernel's SCM_MAX_FD: no message carries more.
#define CVARLINK_DESCRIPTORS 253

/// A new stream socket with close-on-exec.
int cvarlink_socket(void);

/// Connects; waits for room in the listener's queue as long as `timeout_milliseconds` (0: without end), then -EAGAIN.
int cvarlink_connect(int socket, const char *CVARLINK_NONNULL name, size_t length, bool is_abstract,
                     uint64_t timeout_milliseconds);

/// Binds a socket whose node has no more than `mode` from its first moment.
int cvarlink_bind(int socket, const char *CVARLINK_NONNULL name, size_t length, bool is_abstract, uint32_t mode);

/// Whether it is an AF_UNIX stream socket that listens: 1, 0 or -errno.
int cvarlink_is_listener(int socket);

/// accept4, without blocking and with close-on-exec.
int cvarlink_accept(int socket);

int cvarlink_set_nonblocking(int descriptor);

/// Bytes waiting at the socket's front, left there and without their descriptors. 0 at the end, -EAGAIN when none wait.
long cvarlink_peek(int socket, void *CVARLINK_NONNULL bytes, size_t room);

/// Takes bytes and the descriptors sent with them (close-on-exec), at most CVARLINK_DESCRIPTORS. `*is_cut`: some were
/// lost, for want of room in this process's table.
long cvarlink_receive(int socket, void *CVARLINK_NONNULL bytes, size_t room, int *CVARLINK_NONNULL descriptors,
                      size_t *CVARLINK_NONNULL count, bool *CVARLINK_NONNULL is_cut);

/// Sends as much as fits without waiting and without SIGPIPE. The descriptors go with the first byte.
long cvarlink_send(int socket, const void *CVARLINK_NONNULL bytes, size_t length,
                   const int *CVARLINK_NULLABLE descriptors, size_t count);

/// SO_PEERCRED.
int cvarlink_peer(int socket, uint32_t *CVARLINK_NONNULL user, uint32_t *CVARLINK_NONNULL group,
                  int32_t *CVARLINK_NONNULL process);

/// SO_PEERGROUPS: how many there are, or -ERANGE when they are more than `room`.
int cvarlink_peer_groups(int socket, uint32_t *CVARLINK_NONNULL groups, size_t room);

#endif
