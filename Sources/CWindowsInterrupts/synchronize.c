// KeSynchronizeExecution: the lock by the handle's gate, the routine, and nothing else; whatever does not go smoothly is
// Swift's.
#include "isw/core.h"

BOOLEAN KeSynchronizeExecution(PKINTERRUPT Interrupt, PKSYNCHRONIZE_ROUTINE SynchronizeRoutine,
                               PVOID SynchronizeContext) {
  int32_t level;
  if (!CUIO_LIKELY(Interrupt && isw_gate_enter(&Interrupt->gate, &level)))
    return isw_synchronize_slow(Interrupt, SynchronizeRoutine, SynchronizeContext);
  cuio_lock *lock = Interrupt->gate.lock;
  BOOLEAN result = SynchronizeRoutine(SynchronizeContext);
  isw_check_level("KSYNCHRONIZE_ROUTINE", Interrupt->gate.irql);
  isw_gate_leave(lock, level);
  return result;
}
