// Floor 0: where synchronized calls enter an object. SynchronizedCall.swift and Objects.swift of InterruptSyncC read it
// on the caller's thread, before they take the interrupt lock; `calls` alone changes, under that lock. It is one cache
// line, so that a surface that has found the entry takes the lock (cuio_lock_enter()) without another look-up.
#ifndef CUIO_ENTRY_H
#define CUIO_ENTRY_H

#include "cuio_lock.h"

typedef struct cuio_entry {
  cuio_lock *LINUX_NONNULL lock;
  /// First argument of every routine (P6).
  void *LINUX_NULLABLE object;
  /// Synchronized calls so far. The lock's holder writes it.
  uint64_t calls;
} cuio_entry;

#endif
