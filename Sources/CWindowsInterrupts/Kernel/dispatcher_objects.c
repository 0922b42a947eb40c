// Floor 5, room Kernel. Events, semaphores, mutexes, fast mutexes and remove locks: how each kind changes its state.
// Drivers call it, on any thread at the level that isw/dispatcher.h gives; dispatcher.c makes the threads wait. The
// objects' lock is held while an event, semaphore or mutex changes. A fast mutex is a lock of its own, and a remove
// lock an atomic count. Release the objects' lock before you report.
#include "dispatcher_objects.h"

#include "cuio_lock.h"

// Events (D6).

VOID KeInitializeEvent(PKEVENT Event, EVENT_TYPE Type, BOOLEAN State) {
  isw_object_initialize(&Event->Header, Type == NotificationEvent ? ISW_NOTIFICATION_EVENT : ISW_SYNCHRONIZATION_EVENT,
                        State != 0);
}

// Sets the state, and returns the previous one.
static LONG set_event(PCSTR call, PKEVENT event, LONG state, BOOLEAN wait) {
  if (!isw_object_may_change(&event->Header, ISW_EVENTS, call, "D6", wait)) return 0;
  isw_objects_lock();
  LONG before = event->Header.SignalState;
  event->Header.SignalState = state;
  if (state) isw_object_wake(&event->Header);
  isw_objects_unlock();
  return before;
}

LONG KeSetEvent(PKEVENT Event, KPRIORITY Increment, BOOLEAN Wait) {
  (void)Increment;
  return set_event("KeSetEvent", Event, 1, Wait);
}

VOID KeClearEvent(PKEVENT Event) { set_event("KeClearEvent", Event, 0, FALSE); }
LONG KeResetEvent(PKEVENT Event) { return set_event("KeResetEvent", Event, 0, FALSE); }

LONG KeReadStateEvent(PKEVENT Event) {
  return isw_object_is(&Event->Header, ISW_EVENTS, "KeReadStateEvent", "D6") ? isw_object_state(&Event->Header) : 0;
}

// Semaphores (D7).

VOID KeInitializeSemaphore(PKSEMAPHORE Semaphore, LONG Count, LONG Limit) {
  if (Count < 0 || Limit < 1 || Count > Limit)
    InterruptSyncReportViolation("KeInitializeSemaphore", "D7", "the count must be 0 to the limit, the limit above 0");
  isw_object_initialize(&Semaphore->Header, ISW_SEMAPHORE, Count);
  Semaphore->Limit = Limit;
}

LONG KeReleaseSemaphore(PKSEMAPHORE Semaphore, KPRIORITY Increment, LONG Adjustment, BOOLEAN Wait) {
  (void)Increment;
  if (!isw_object_may_change(&Semaphore->Header, 1u << ISW_SEMAPHORE, "KeReleaseSemaphore", "D7", Wait)) return 0;
  isw_objects_lock();
  LONG before = Semaphore->Header.SignalState;
  bool fits = Adjustment > 0 && Adjustment <= (LONGLONG)Semaphore->Limit - before;
  if (fits) {
    Semaphore->Header.SignalState += Adjustment;
    isw_object_wake(&Semaphore->Header);
  }
  isw_objects_unlock();
  if (!fits)
    InterruptSyncReportViolation("KeReleaseSemaphore", "D7",
                                 "the adjustment is not positive, or exceeds the semaphore's limit");
  return before;
}

LONG KeReadStateSemaphore(PKSEMAPHORE Semaphore) {
  return isw_object_is(&Semaphore->Header, 1u << ISW_SEMAPHORE, "KeReadStateSemaphore", "D7")
             ? isw_object_state(&Semaphore->Header)
             : 0;
}

// Mutexes (D8).

VOID KeInitializeMutex(PKMUTEX Mutex, ULONG Level) {
  (void)Level;
  isw_object_initialize(&Mutex->Header, ISW_MUTEX, 1);
  Mutex->OwnerThread = 0;
}

LONG KeReleaseMutex(PKMUTEX Mutex, BOOLEAN Wait) {
  if (!isw_object_may_change(&Mutex->Header, 1u << ISW_MUTEX, "KeReleaseMutex", "D8", Wait)) return 0;
  isw_objects_lock();
  LONG before = Mutex->Header.SignalState;
  bool owned = before <= 0 && Mutex->OwnerThread == cuio_thread_id();
  if (owned && ++Mutex->Header.SignalState == 1) {
    Mutex->OwnerThread = 0;
    isw_object_wake(&Mutex->Header);
  }
  isw_objects_unlock();
  if (!owned) InterruptSyncReportViolation("KeReleaseMutex", "D8", "the calling thread does not own this mutex");
  return before;
}

LONG KeReadStateMutex(PKMUTEX Mutex) {
  return isw_object_is(&Mutex->Header, 1u << ISW_MUTEX, "KeReadStateMutex", "D8") ? isw_object_state(&Mutex->Header)
                                                                                 : 0;
}

// Fast mutexes (D10).

_Static_assert(sizeof((PFAST_MUTEX)0)->Lock == sizeof(cuio_lock), "the driver's room for the lock");
static cuio_lock *lock_of(PFAST_MUTEX mutex) { return (cuio_lock *)(void *)&mutex->Lock; }

VOID ExInitializeFastMutex(PFAST_MUTEX FastMutex) { *FastMutex = (FAST_MUTEX){0}; }

static bool acquire_fast(PCSTR call, PFAST_MUTEX mutex) {
  switch (cuio_lock_acquire(lock_of(mutex))) {
    case 0: return true;
    case -EDEADLK:
      InterruptSyncReportViolation(call, "D10", "the calling thread owns this fast mutex already");
      return false;
    default:
      InterruptSyncReportViolation(call, "D10", "the thread that owned the fast mutex ended without releasing it");
      return false;
  }
}

static void release_fast(PCSTR call, PFAST_MUTEX mutex) {
  if (cuio_lock_release(lock_of(mutex)) != 0)
    InterruptSyncReportViolation(call, "D10", "the calling thread does not own this fast mutex");
}

VOID ExAcquireFastMutex(PFAST_MUTEX FastMutex) {
  if (!isw_require_irql("ExAcquireFastMutex", APC_LEVEL)) return;
  KIRQL level = (KIRQL)cuio_thread_set_level(APC_LEVEL);
  if (acquire_fast("ExAcquireFastMutex", FastMutex)) FastMutex->OldIrql = level;
}

BOOLEAN ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex) {
  if (!isw_require_irql("ExTryToAcquireFastMutex", APC_LEVEL)) return FALSE;
  if (cuio_lock_acquire_for(lock_of(FastMutex), 0) != 0) return FALSE;
  FastMutex->OldIrql = (KIRQL)cuio_thread_set_level(APC_LEVEL);
  return TRUE;
}

VOID ExReleaseFastMutex(PFAST_MUTEX FastMutex) {
  if (!cuio_lock_is_owned(lock_of(FastMutex))) {
    release_fast("ExReleaseFastMutex", FastMutex);
    return;
  }
  KIRQL level = FastMutex->OldIrql;
  if (KeGetCurrentIrql() != APC_LEVEL)
    InterruptSyncReportViolation("ExReleaseFastMutex", "4.6", "the IRQL is not APC_LEVEL, which the acquire set");
  release_fast("ExReleaseFastMutex", FastMutex);
  cuio_thread_set_level(level);
}

VOID ExAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex) {
  if (isw_require_irql("ExAcquireFastMutexUnsafe", APC_LEVEL)) acquire_fast("ExAcquireFastMutexUnsafe", FastMutex);
}

VOID ExReleaseFastMutexUnsafe(PFAST_MUTEX FastMutex) { release_fast("ExReleaseFastMutexUnsafe", FastMutex); }

// Remove locks (D13): the count starts at one, which the removal takes away.

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
