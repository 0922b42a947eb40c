// Floor 0: the one function type that serves service routines and synchronized routines alike (P6). The serving
// thread calls the first kind, the caller's thread the second, both with the interrupt lock held.
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
