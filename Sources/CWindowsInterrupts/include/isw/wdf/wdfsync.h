// Spin locks and wait locks. Both are locks of the core's; an interrupt can be made with either (W5).
#ifndef ISW_WDFSYNC_H
#define ISW_WDFSYNC_H

#include "wdfobject.h"

#define WDF_TIMEOUT_TO_SEC ((LONGLONG)1 * 10 * 1000 * 1000)
#define WDF_TIMEOUT_TO_MS ((LONGLONG)1 * 10 * 1000)
#define WDF_TIMEOUT_TO_US ((LONGLONG)1 * 10)

// Timeouts in units of 100 ns: negative from now, positive since 1601-01-01 UTC.
FORCEINLINE LONGLONG WDF_REL_TIMEOUT_IN_SEC(ULONGLONG Time) { return (LONGLONG)Time * -1 * WDF_TIMEOUT_TO_SEC; }
FORCEINLINE LONGLONG WDF_ABS_TIMEOUT_IN_SEC(ULONGLONG Time) { return (LONGLONG)Time * WDF_TIMEOUT_TO_SEC; }
FORCEINLINE LONGLONG WDF_REL_TIMEOUT_IN_MS(ULONGLONG Time) { return (LONGLONG)Time * -1 * WDF_TIMEOUT_TO_MS; }
FORCEINLINE LONGLONG WDF_ABS_TIMEOUT_IN_MS(ULONGLONG Time) { return (LONGLONG)Time * WDF_TIMEOUT_TO_MS; }
FORCEINLINE LONGLONG WDF_REL_TIMEOUT_IN_US(ULONGLONG Time) { return (LONGLONG)Time * -1 * WDF_TIMEOUT_TO_US; }
FORCEINLINE LONGLONG WDF_ABS_TIMEOUT_IN_US(ULONGLONG Time) { return (LONGLONG)Time * WDF_TIMEOUT_TO_US; }

ISW_BEGIN_C

NTSTATUS WdfSpinLockCreateIn(WDFDRIVER Driver, PWDF_OBJECT_ATTRIBUTES Attributes, WDFSPINLOCK *SpinLock);
NTSTATUS WdfWaitLockCreateIn(WDFDRIVER Driver, PWDF_OBJECT_ATTRIBUTES Attributes, WDFWAITLOCK *Lock);

/// Takes the lock and raises to DISPATCH_LEVEL. Up to DISPATCH_LEVEL. Reported: above it (K23), held by the caller
/// already (K24, and the matching release does nothing), and the lock of an interrupt (W5).
VOID WdfSpinLockAcquire(WDFSPINLOCK SpinLock);
/// Gives the lock back and the thread its level.
VOID WdfSpinLockRelease(WDFSPINLOCK SpinLock);

/// Takes the lock. NULL waits without limit, 0 only tries (up to DISPATCH_LEVEL). PASSIVE_LEVEL.
///
/// STATUS_TIMEOUT, a success code, when it was not to be had in time (W25), and at once to a caller that holds it
/// already; without a limit that caller gets STATUS_POSSIBLE_DEADLOCK and a report. STATUS_INVALID_DEVICE_STATE at a
/// wrong level, STATUS_INVALID_HANDLE.
NTSTATUS WdfWaitLockAcquire(WDFWAITLOCK Lock, PLONGLONG Timeout);
/// By the thread that holds it; another is reported.
VOID WdfWaitLockRelease(WDFWAITLOCK Lock);

ISW_END_C

/// The parent is the driver unless another is given. Errors: WdfObjectCreate. Up to DISPATCH_LEVEL.
FORCEINLINE NTSTATUS WdfSpinLockCreate(PWDF_OBJECT_ATTRIBUTES SpinLockAttributes, WDFSPINLOCK *SpinLock) {
  return WdfSpinLockCreateIn(isw_wdf_driver, SpinLockAttributes, SpinLock);
}

/// The same.
FORCEINLINE NTSTATUS WdfWaitLockCreate(PWDF_OBJECT_ATTRIBUTES LockAttributes, WDFWAITLOCK *Lock) {
  return WdfWaitLockCreateIn(isw_wdf_driver, LockAttributes, Lock);
}

#endif
