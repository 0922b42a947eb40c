// Floor 0: files in memory, which can be passed on like any other file. SharedRing makes one for a client's ring,
// through ring.c of CUIO; the daemon's Systemd and Journal rooms for totals, the last configuration and long messages.
// On their callers' threads, never in a dispatch; no lock.
#ifndef LINUX_MEMORY_H
#define LINUX_MEMORY_H

#include "linux_attributes.h"

/// A new file of `size` zero bytes in memory, of that size permanently. Close-on-exec. Returns it or -errno.
int linux_memory_create(const char *LINUX_NONNULL name, uint64_t size);

/// A new file in memory with these bytes, which no process can change any more. Returns it or -errno.
int linux_memory_of_bytes(const char *LINUX_NONNULL name, const void *LINUX_NULLABLE bytes, size_t length);

#endif
