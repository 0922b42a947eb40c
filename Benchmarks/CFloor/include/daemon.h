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

/// A connection to a Unix socket, tried until it is there, at most for 10 seconds. The descriptor, or -errno.
int daemon_connect(const char *_Nonnull path);
/// Sends a message and its zero byte, and reads as far as the reply's: its length, or -errno.
int64_t daemon_call(int fd, const char *_Nonnull message, char *_Nonnull reply, size_t size);

/// A socket behind which a thread answers each message with another: what any call over a socket takes. -errno when
/// there is none. Ends when the descriptor is closed.
int daemon_echo(void);

#endif
