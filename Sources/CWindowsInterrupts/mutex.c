// Mutexes (D8) and fast mutexes (D10).
#include "objects.h"

#include "cuio_lock.h"

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

_Static_assert(sizeof((PFAST_MUTEX)0)->Lock == sizeof(cuio_lock), "the driver's room for the lock");
static cuio_lock *lock_of(PFAST_MUTEX mutex) { return (cuio_lock *)(void *)&mutex->Lock; }

VOID ExInitializeFastMutex(PFAST_MUTEX FastMutex) { *FastMutex = (FAST_MUTEX){0}; }

static bool acquire(PCSTR call, PFAST_MUTEX mutex) {
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

static void release(PCSTR call, PFAST_MUTEX mutex) {
  if (cuio_lock_release(lock_of(mutex)) != 0)
    InterruptSyncReportViolation(call, "D10", "the calling thread does not own this fast mutex");
}

VOID ExAcquireFastMutex(PFAST_MUTEX FastMutex) {
  if (!isw_require_irql("ExAcquireFastMutex", APC_LEVEL)) return;
  KIRQL level = (KIRQL)cuio_thread_set_level(APC_LEVEL);
  if (acquire("ExAcquireFastMutex", FastMutex)) FastMutex->OldIrql = level;
}

BOOLEAN ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex) {
  if (!isw_require_irql("ExTryToAcquireFastMutex", APC_LEVEL)) return FALSE;
  if (cuio_lock_acquire_for(lock_of(FastMutex), 0) != 0) return FALSE;
  FastMutex->OldIrql = (KIRQL)cuio_thread_set_level(APC_LEVEL);
  return TRUE;
}

VOID ExReleaseFastMutex(PFAST_MUTEX FastMutex) {
  if (!cuio_lock_is_owned(lock_of(FastMutex))) {
    release("ExReleaseFastMutex", FastMutex);
    return;
  }
  KIRQL level = FastMutex->OldIrql;
  if (KeGetCurrentIrql() != APC_LEVEL)
    InterruptSyncReportViolation("ExReleaseFastMutex", "4.6", "called at another IRQL than APC_LEVEL, which it ends");
  release("ExReleaseFastMutex", FastMutex);
  cuio_thread_set_level(level);
}

VOID ExAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex) {
  if (isw_require_irql("ExAcquireFastMutexUnsafe", APC_LEVEL)) acquire("ExAcquireFastMutexUnsafe", FastMutex);
}

VOID ExReleaseFastMutexUnsafe(PFAST_MUTEX FastMutex) { release("ExReleaseFastMutexUnsafe", FastMutex); }
