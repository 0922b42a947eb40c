// Floor 5, room Kernel. The timer of a device object (D16): a timer and a DPC that call the driver's routine once a
// second, on the deferred queue `dpc`. Drivers start and stop it on any thread up to DISPATCH_LEVEL; DeviceObject.swift
// ends it. `turn` is held while the routine runs, so that a stop waits for it; nothing else is taken inside.
#include "dispatcher_objects.h"

#include <stdlib.h>

struct _IO_TIMER {
  KTIMER timer;
  KDPC dpc;
  PIO_TIMER_ROUTINE routine;
  PVOID context;
  // Guards the two above, too.
  KSPIN_LOCK turn;
  LONG is_started;
};

// The timer whose routine this thread is in.
static __thread PIO_TIMER inside;

static VOID expired(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2) {
  (void)dpc, (void)argument1, (void)argument2;
  PDEVICE_OBJECT device = context;
  PIO_TIMER timer = device->Timer;
  isw_spin_lock_acquire(&timer->turn, "IO_TIMER_ROUTINE");
  if (InterlockedAdd(&timer->is_started, 0)) {
    inside = timer;
    timer->routine(device, timer->context);
    inside = NULL;
  }
  isw_spin_lock_release(&timer->turn, "IO_TIMER_ROUTINE");
}

NTSTATUS IoInitializeTimer(PDEVICE_OBJECT DeviceObject, PIO_TIMER_ROUTINE TimerRoutine, PVOID Context) {
  if (!isw_require_irql("IoInitializeTimer", PASSIVE_LEVEL)) return STATUS_INVALID_DEVICE_STATE;
  if (!DeviceObject || !TimerRoutine) return STATUS_INVALID_PARAMETER;
  PIO_TIMER timer = DeviceObject->Timer;
  if (timer) {
    isw_spin_lock_acquire(&timer->turn, "IoInitializeTimer");
    timer->routine = TimerRoutine;
    timer->context = Context;
    isw_spin_lock_release(&timer->turn, "IoInitializeTimer");
    return STATUS_SUCCESS;
  }
  timer = calloc(1, sizeof *timer);
  if (!timer) return STATUS_INSUFFICIENT_RESOURCES;
  timer->routine = TimerRoutine;
  timer->context = Context;
  KeInitializeSpinLock(&timer->turn);
  KeInitializeTimer(&timer->timer);
  KeInitializeDpc(&timer->dpc, expired, DeviceObject);
  DeviceObject->Timer = timer;
  return STATUS_SUCCESS;
}

static PIO_TIMER timer_of(PDEVICE_OBJECT device, PCSTR call) {
  if (!isw_require_irql(call, DISPATCH_LEVEL)) return NULL;
  if (!device || !device->Timer) {
    InterruptSyncReportViolation(call, "D16", "the device has no timer: call IoInitializeTimer first");
    return NULL;
  }
  return device->Timer;
}

VOID IoStartTimer(PDEVICE_OBJECT DeviceObject) {
  enum { SECOND = 10000000 };
  PIO_TIMER timer = timer_of(DeviceObject, "IoStartTimer");
  if (!timer || InterlockedExchange(&timer->is_started, 1)) return;
  LARGE_INTEGER due = {.QuadPart = -SECOND};
  KeSetTimerEx(&timer->timer, due, 1000, &timer->dpc);
}

static void stop(PIO_TIMER timer) {
  InterlockedExchange(&timer->is_started, 0);
  KeCancelTimer(&timer->timer);
  KeRemoveQueueDpc(&timer->dpc);
}

VOID IoStopTimer(PDEVICE_OBJECT DeviceObject) {
  PIO_TIMER timer = timer_of(DeviceObject, "IoStopTimer");
  if (!timer) return;
  stop(timer);
  if (inside == timer) {
    InterruptSyncReportViolation("IoStopTimer", "D16",
                                 "the device's timer routine must not stop the timer; it is stopped, and the call did "
                                 "not wait for the routine");
    return;
  }
  isw_spin_lock_acquire(&timer->turn, "IoStopTimer");
  isw_spin_lock_release(&timer->turn, "IoStopTimer");
}

void isw_io_timer_end(PDEVICE_OBJECT device) {
  PIO_TIMER timer = device->Timer;
  if (!timer) return;
  stop(timer);
  // A DPC that was taken off the queue already still reads the timer.
  KeFlushQueuedDpcs();
  isw_forget(timer, sizeof *timer);
  device->Timer = NULL;
  free(timer);
}
