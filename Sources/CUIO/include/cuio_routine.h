// Floor 0: the one function type that serves service routines and synchronized routines alike (P6). Dispatch.swift
// calls the first kind on the serving thread, SynchronizedCall.swift and Objects.swift of InterruptSyncC the second on
// the caller's thread, both at DIRQL with the interrupt lock held. It must not wait.
#ifndef CUIO_ROUTINE_H
#define CUIO_ROUTINE_H

#include "linux_attributes.h"

/// Called with the sync object and the context given at registration; the result is an NTSTATUS.
typedef int32_t (*LINUX_NONNULL cuio_routine)(void *LINUX_NULLABLE object, void *LINUX_NULLABLE context);

// Swift's performance checks accept an indirect call only where C makes it.
LINUX_HOT static inline int32_t cuio_call(cuio_routine routine, void *LINUX_NULLABLE object,
                                          void *LINUX_NULLABLE context) {
  return routine(object, context);
}

#endif
