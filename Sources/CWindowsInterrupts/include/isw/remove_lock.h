// Remove locks: a count of who is still using a device, and a wait for all of them (D13).
#ifndef ISW_REMOVE_LOCK_H
#define ISW_REMOVE_LOCK_H

#include "event.h"

/// In the driver's memory; the fields are the system's.
typedef struct _IO_REMOVE_LOCK {
  BOOLEAN Removed;
  LONG IoCount;
  KEVENT RemoveEvent;
} IO_REMOVE_LOCK, *PIO_REMOVE_LOCK;

ISW_BEGIN_C

/// `AllocateTag`, `MaxLockedMinutes` and `HighWatermark` have no effect. PASSIVE_LEVEL.
VOID IoInitializeRemoveLock(PIO_REMOVE_LOCK Lock, ULONG AllocateTag, ULONG MaxLockedMinutes, ULONG HighWatermark);
/// STATUS_SUCCESS, to be undone by one IoReleaseRemoveLock; STATUS_DELETE_PENDING, nothing to be undone, once the
/// removal has begun. `Tag` has no effect. Up to DISPATCH_LEVEL; above it is reported and counts nothing:
/// STATUS_INVALID_DEVICE_STATE.
NTSTATUS IoAcquireRemoveLock(PIO_REMOVE_LOCK RemoveLock, PVOID Tag);
/// Undoes one acquisition; one too many is reported and not done. Up to DISPATCH_LEVEL.
VOID IoReleaseRemoveLock(PIO_REMOVE_LOCK RemoveLock, PVOID Tag);
/// Begins the removal, undoes the caller's acquisition and waits for all others'. Once. PASSIVE_LEVEL; above it is
/// reported and not done.
VOID IoReleaseRemoveLockAndWait(PIO_REMOVE_LOCK RemoveLock, PVOID Tag);

ISW_END_C

#endif
