// Semaphores (D7).
#include "objects.h"

VOID KeInitializeSemaphore(PKSEMAPHORE Semaphore, LONG Count, LONG Limit) {
  if (Count < 0 || Limit < 1 || Count > Limit)
    InterruptSyncReportViolation("KeInitializeSemaphore", "D7", "the count is from 0 to the limit, which is above 0");
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
                                 "the adjustment is not positive, or leads above the semaphore's limit");
  return before;
}

LONG KeReadStateSemaphore(PKSEMAPHORE Semaphore) {
  return isw_object_is(&Semaphore->Header, 1u << ISW_SEMAPHORE, "KeReadStateSemaphore", "D7")
             ? isw_object_state(&Semaphore->Header)
             : 0;
}
