// A daemon seen from outside: started, called over its socket, weighed.
#ifndef DAEMON_H
#define DAEMON_H

#include <stddef.h>
#include <stdint.h>

/// Starts a shell's command with its output thrown away. Its process id, or -errno.
int daemon_start(const char *_Nonnull command);
/// SIGTERM, and waits for the end.
void daemon_stop(int process);
/// Resident memory in bytes, or -errno.
int64_t daemon_resident(int process);
/// Nanoseconds that all its threads have had a processor, or -errno.
int64_t daemon_processor_time(int process);

/// A socket for what a service tells its manager, sd_notify(3), at `path`. The descriptor, or -errno.
int daemon_notices(const char *_Nonnull path);
/// Waits until the service says READY=1, at most for 10 seconds. 0 or -errno.
int daemon_wait_ready(int notices);

/// A connection to a Unix socket, tried until it is there, at most for 10 seconds. The descriptor, or -errno.
int daemon_connect(const char *_Nonnull path);
/// The same as another user, for root.
int daemon_connect_as(const char *_Nonnull path, unsigned user);
/// Sends a message and its zero byte: 0 or -errno.
int daemon_send(int fd, const char *_Nonnull message);
/// Reads as far as a reply's zero byte: its length with that, or -errno.
int64_t daemon_receive(int fd, char *_Nonnull reply, size_t size);

/// A message sent again and again.
typedef struct flood flood;
/// On a thread of its own sends a message `count` times, with at most 64 that are not answered. NULL without a thread.
flood *_Nullable flood_start(int fd, const char *_Nonnull message, uint64_t count);
/// Waits until all were answered: 0 or -errno.
int flood_end(flood *_Nonnull flood);

#endif
