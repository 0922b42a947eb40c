// Floor 5, room Kernel. The C half of an interrupt. The core calls the ISR's entry, which Interrupt.swift has
// registered, on the dispatcher with the interrupt lock held, and a DPC's entry on the deferred queues `dpc` and
// `threaded dpc` without it. Drivers call the fast half of KeSynchronizeExecution on any thread up to the interrupt's
// level; it takes the lock. Each sets the level around the driver's routine and checks what the routine left behind.
#include "isw/core.h"

#include <stdio.h>

void isw_report_level(PCSTR call, KIRQL entered) {
  char text[100];
  snprintf(text, sizeof text, "entered at IRQL %u and left at %u", entered, (KIRQL)cuio_thread_level());
  InterruptSyncReportViolation(call, "D5", text);
}

// The core calls both under its lock, at CUIO_LEVEL_DEVICE.
int32_t isw_isr_call(void *object, void *context) {
  (void)object;
  isw_isr *isr = context;
  if (!isr->active) return STATUS_UNSUCCESSFUL;
  KIRQL irql = isr->irql;
  cuio_thread_set_level(irql);
  BOOLEAN claimed = isr->routine(isr->interrupt, isr->context);
  isw_check_level("KSERVICE_ROUTINE", irql);
  cuio_thread_set_level(CUIO_LEVEL_DEVICE);
  return claimed ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

int32_t isw_message_call(void *object, void *context) {
  (void)object;
  isw_isr *isr = context;
  if (!isr->active) return STATUS_UNSUCCESSFUL;
  KIRQL irql = isr->irql;
  cuio_thread_set_level(irql);
  BOOLEAN claimed = isr->message_routine(isr->interrupt, isr->context, isr->message);
  isw_check_level("KMESSAGE_SERVICE_ROUTINE", irql);
  cuio_thread_set_level(CUIO_LEVEL_DEVICE);
  return claimed ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

enum { KIND_KDPC = 0, KIND_DEVICE = 1, KIND_THREADED = 2 };

void isw_dpc_call(void *context, void *argument1, void *argument2) {
  PKDPC dpc = context;
  // Read before the call: the routine may initialise the DPC again, or free it.
  void *routine = dpc->Routine, *driver = dpc->Context;
  KIRQL level = dpc->Kind == KIND_THREADED ? PASSIVE_LEVEL : DISPATCH_LEVEL;
  if (dpc->Kind == KIND_DEVICE) ((PIO_DPC_ROUTINE)routine)(dpc, driver, argument1, argument2);
  else ((PKDEFERRED_ROUTINE)routine)(dpc, driver, argument1, argument2);
  if (KeGetCurrentIrql() != level) {
    isw_check_level("KDEFERRED_ROUTINE", level);
    cuio_thread_set_level(level);
  }
}

// The lock by the handle's gate, the routine, and nothing else; every other case is isw_synchronize_slow's.
BOOLEAN KeSynchronizeExecution(PKINTERRUPT Interrupt, PKSYNCHRONIZE_ROUTINE SynchronizeRoutine,
                               PVOID SynchronizeContext) {
  int32_t level;
  cuio_lock *lock = Interrupt ? isw_gate_enter(&Interrupt->gate, &level) : NULL;
  if (!LINUX_LIKELY(lock)) return isw_synchronize_slow(Interrupt, SynchronizeRoutine, SynchronizeContext);
  BOOLEAN result = SynchronizeRoutine(SynchronizeContext);
  isw_check_level("KSYNCHRONIZE_ROUTINE", Interrupt->gate.irql);
  cuio_lock_leave(lock, level);
  return result;
}
