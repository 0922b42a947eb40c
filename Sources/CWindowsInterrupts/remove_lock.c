// Remove locks (D13): the count starts at one, which the removal takes away.
#include "objects.h"

VOID IoInitializeRemoveLock(PIO_REMOVE_LOCK Lock, ULONG AllocateTag, ULONG MaxLockedMinutes, ULONG HighWatermark) {
  (void)AllocateTag, (void)MaxLockedMinutes, (void)HighWatermark;
  if (!isw_require_irql("IoInitializeRemoveLock", PASSIVE_LEVEL)) return;
  Lock->Removed = FALSE;
  Lock->IoCount = 1;
  KeInitializeEvent(&Lock->RemoveEvent, NotificationEvent, FALSE);
}

static bool is_removed(PIO_REMOVE_LOCK lock) { return __atomic_load_n(&lock->Removed, __ATOMIC_SEQ_CST); }

NTSTATUS IoAcquireRemoveLock(PIO_REMOVE_LOCK RemoveLock, PVOID Tag) {
  (void)Tag;
  if (!isw_require_irql("IoAcquireRemoveLock", DISPATCH_LEVEL)) return STATUS_INVALID_DEVICE_STATE;
  // Counted before the look: a removal that begins between the two waits for this one.
  InterlockedIncrement(&RemoveLock->IoCount);
  if (!is_removed(RemoveLock)) return STATUS_SUCCESS;
  if (InterlockedDecrement(&RemoveLock->IoCount) == 0) KeSetEvent(&RemoveLock->RemoveEvent, IO_NO_INCREMENT, FALSE);
  return STATUS_DELETE_PENDING;
}

static void too_many(PCSTR call) {
  InterruptSyncReportViolation(call, "D13", "the remove lock is not acquired; each release undoes one acquisition");
}

VOID IoReleaseRemoveLock(PIO_REMOVE_LOCK RemoveLock, PVOID Tag) {
  (void)Tag;
  if (!isw_require_irql("IoReleaseRemoveLock", DISPATCH_LEVEL)) return;
  bool removed = is_removed(RemoveLock);
  LONG left = InterlockedDecrement(&RemoveLock->IoCount);
  if (left < 0 || (left == 0 && !removed && !is_removed(RemoveLock))) {
    InterlockedIncrement(&RemoveLock->IoCount);
    too_many("IoReleaseRemoveLock");
  } else if (left == 0) {
    KeSetEvent(&RemoveLock->RemoveEvent, IO_NO_INCREMENT, FALSE);
  }
}

VOID IoReleaseRemoveLockAndWait(PIO_REMOVE_LOCK RemoveLock, PVOID Tag) {
  (void)Tag;
  if (!isw_require_irql("IoReleaseRemoveLockAndWait", PASSIVE_LEVEL)) return;
  if (is_removed(RemoveLock) || __atomic_load_n(&RemoveLock->IoCount, __ATOMIC_SEQ_CST) < 2) {
    too_many("IoReleaseRemoveLockAndWait");
    return;
  }
  __atomic_store_n(&RemoveLock->Removed, TRUE, __ATOMIC_SEQ_CST);
  // The caller's and the one that it started with.
  if (InterlockedAdd(&RemoveLock->IoCount, -2) > 0)
    KeWaitForSingleObject(&RemoveLock->RemoveEvent, Executive, KernelMode, FALSE, NULL);
}
