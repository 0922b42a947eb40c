// How many system calls something makes.
#ifndef TRACE_H
#define TRACE_H

#include <stdint.h>

/// Runs `body` with `argument` in a traced child process and returns the system calls between its beginning and its
/// end, or -errno where tracing is not allowed.
int64_t trace_system_calls(void (*_Nonnull body)(void *_Nullable), void *_Nullable argument);

#endif
