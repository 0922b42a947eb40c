// Windows interfaces, floor 5. Locks and interrupts of the framework, called by drivers. The dispatcher runs the ISR,
// the thread that leads the device up or down the Enable and Disable callbacks, and the caller's thread a Synchronize
// callback. These, and the threads that hold the lock through WdfInterruptAcquireLock, exclude each other (W1 to W32):
// all hold the interrupt's lock, which is the library's, connected or not. Several interrupts can share one (W5).
#ifndef ISW_WDFINTERRUPT_H
#define ISW_WDFINTERRUPT_H

#include "../interrupt.h"
#include "wdfobject.h"

// Spin locks and wait locks. An interrupt can be made with either (W5).

#define WDF_TIMEOUT_TO_SEC ((LONGLONG)1 * 10 * 1000 * 1000)
#define WDF_TIMEOUT_TO_MS ((LONGLONG)1 * 10 * 1000)
#define WDF_TIMEOUT_TO_US ((LONGLONG)1 * 10)

// Timeouts in units of 100 ns: negative from now, positive since 1601-01-01 UTC.
ISW_INLINE LONGLONG WDF_REL_TIMEOUT_IN_SEC(ULONGLONG Time) { return (LONGLONG)Time * -1 * WDF_TIMEOUT_TO_SEC; }
ISW_INLINE LONGLONG WDF_ABS_TIMEOUT_IN_SEC(ULONGLONG Time) { return (LONGLONG)Time * WDF_TIMEOUT_TO_SEC; }
ISW_INLINE LONGLONG WDF_REL_TIMEOUT_IN_MS(ULONGLONG Time) { return (LONGLONG)Time * -1 * WDF_TIMEOUT_TO_MS; }
ISW_INLINE LONGLONG WDF_ABS_TIMEOUT_IN_MS(ULONGLONG Time) { return (LONGLONG)Time * WDF_TIMEOUT_TO_MS; }
ISW_INLINE LONGLONG WDF_REL_TIMEOUT_IN_US(ULONGLONG Time) { return (LONGLONG)Time * -1 * WDF_TIMEOUT_TO_US; }
ISW_INLINE LONGLONG WDF_ABS_TIMEOUT_IN_US(ULONGLONG Time) { return (LONGLONG)Time * WDF_TIMEOUT_TO_US; }

ISW_BEGIN_C

NTSTATUS WdfSpinLockCreateIn(WDFDRIVER Driver, PWDF_OBJECT_ATTRIBUTES Attributes, WDFSPINLOCK *SpinLock);
NTSTATUS WdfWaitLockCreateIn(WDFDRIVER Driver, PWDF_OBJECT_ATTRIBUTES Attributes, WDFWAITLOCK *Lock);

/// Acquires the lock and raises to DISPATCH_LEVEL. Up to DISPATCH_LEVEL. Reported: a higher level (K23), a caller that
/// holds it already (K24; the matching release does nothing), and the lock of an interrupt (W5).
VOID WdfSpinLockAcquire(WDFSPINLOCK SpinLock);
/// Releases the lock and restores the thread's level.
VOID WdfSpinLockRelease(WDFSPINLOCK SpinLock);

/// Acquires the lock. NULL waits without limit; 0 does not wait (up to DISPATCH_LEVEL). PASSIVE_LEVEL.
///
/// STATUS_TIMEOUT, a success code, if the time ran out (W25), and at once for a caller that holds the lock already;
/// without a limit that caller gets STATUS_POSSIBLE_DEADLOCK and a report. STATUS_INVALID_DEVICE_STATE at a wrong
/// level, STATUS_INVALID_HANDLE.
NTSTATUS WdfWaitLockAcquire(WDFWAITLOCK Lock, PLONGLONG Timeout);
/// Releases the lock. A thread that does not hold it is reported.
VOID WdfWaitLockRelease(WDFWAITLOCK Lock);

ISW_END_C

/// The parent is the driver, unless the attributes name another. Errors: WdfObjectCreate. Up to DISPATCH_LEVEL.
ISW_INLINE NTSTATUS WdfSpinLockCreate(PWDF_OBJECT_ATTRIBUTES SpinLockAttributes, WDFSPINLOCK *SpinLock) {
  return WdfSpinLockCreateIn(isw_wdf_driver, SpinLockAttributes, SpinLock);
}

/// The same.
ISW_INLINE NTSTATUS WdfWaitLockCreate(PWDF_OBJECT_ATTRIBUTES LockAttributes, WDFWAITLOCK *Lock) {
  return WdfWaitLockCreateIn(isw_wdf_driver, LockAttributes, Lock);
}

// The interrupt object.

/// Runs at the interrupt's level, under its lock. Return TRUE only if the device interrupted and you serviced it.
/// MessageID is 0: UIO has only lines (W13).
typedef BOOLEAN EVT_WDF_INTERRUPT_ISR(WDFINTERRUPT Interrupt, ULONG MessageID);
typedef EVT_WDF_INTERRUPT_ISR *PFN_WDF_INTERRUPT_ISR;
/// Runs at the interrupt's level, under its lock (W19).
typedef BOOLEAN EVT_WDF_INTERRUPT_SYNCHRONIZE(WDFINTERRUPT Interrupt, WDFCONTEXT Context);
typedef EVT_WDF_INTERRUPT_SYNCHRONIZE *PFN_WDF_INTERRUPT_SYNCHRONIZE;
/// Runs at DISPATCH_LEVEL without the lock (W14), never concurrently with itself.
typedef VOID EVT_WDF_INTERRUPT_DPC(WDFINTERRUPT Interrupt, WDFOBJECT AssociatedObject);
typedef EVT_WDF_INTERRUPT_DPC *PFN_WDF_INTERRUPT_DPC;
/// Runs at PASSIVE_LEVEL without the lock (W14), never concurrently with itself.
typedef VOID EVT_WDF_INTERRUPT_WORKITEM(WDFINTERRUPT Interrupt, WDFOBJECT AssociatedObject);
typedef EVT_WDF_INTERRUPT_WORKITEM *PFN_WDF_INTERRUPT_WORKITEM;
/// Runs at the interrupt's level, under its lock; enables or disables interrupts in the device (W6 to W8).
typedef NTSTATUS EVT_WDF_INTERRUPT_ENABLE(WDFINTERRUPT Interrupt, WDFDEVICE AssociatedDevice);
typedef EVT_WDF_INTERRUPT_ENABLE *PFN_WDF_INTERRUPT_ENABLE;
typedef NTSTATUS EVT_WDF_INTERRUPT_DISABLE(WDFINTERRUPT Interrupt, WDFDEVICE AssociatedDevice);
typedef EVT_WDF_INTERRUPT_DISABLE *PFN_WDF_INTERRUPT_DISABLE;

typedef struct _WDF_INTERRUPT_CONFIG {
  ULONG Size;
  /// Shared with other interrupts, or NULL (W5).
  WDFSPINLOCK SpinLock;
  WDF_TRI_STATE ShareVector;
  /// Has no effect.
  BOOLEAN FloatingSave;
  BOOLEAN AutomaticSerialization;
  PFN_WDF_INTERRUPT_ISR EvtInterruptIsr;
  PFN_WDF_INTERRUPT_DPC EvtInterruptDpc;
  PFN_WDF_INTERRUPT_ENABLE EvtInterruptEnable;
  PFN_WDF_INTERRUPT_DISABLE EvtInterruptDisable;
  PFN_WDF_INTERRUPT_WORKITEM EvtInterruptWorkItem;
  PCM_PARTIAL_RESOURCE_DESCRIPTOR InterruptRaw;
  PCM_PARTIAL_RESOURCE_DESCRIPTOR InterruptTranslated;
  /// Shared with other passive-level interrupts, or NULL (W5).
  WDFWAITLOCK WaitLock;
  BOOLEAN PassiveHandling;
  /// Has no effect: the interrupt disconnects.
  WDF_TRI_STATE ReportInactiveOnPowerDown;
  /// Has no effect.
  BOOLEAN CanWakeDevice;
} WDF_INTERRUPT_CONFIG, *PWDF_INTERRUPT_CONFIG;

ISW_INLINE VOID WDF_INTERRUPT_CONFIG_INIT(PWDF_INTERRUPT_CONFIG Configuration, PFN_WDF_INTERRUPT_ISR EvtInterruptIsr,
                                           PFN_WDF_INTERRUPT_DPC EvtInterruptDpc) {
  RtlZeroMemory(Configuration, sizeof *Configuration);
  Configuration->Size = sizeof *Configuration;
  Configuration->ShareVector = WdfUseDefault;
  Configuration->EvtInterruptIsr = EvtInterruptIsr;
  Configuration->EvtInterruptDpc = EvtInterruptDpc;
  Configuration->ReportInactiveOnPowerDown = WdfUseDefault;
}

typedef enum _WDF_INTERRUPT_POLARITY {
  WdfInterruptPolarityUnknown = 0,
  WdfInterruptActiveHigh,
  WdfInterruptActiveLow
} WDF_INTERRUPT_POLARITY, *PWDF_INTERRUPT_POLARITY;

typedef enum _WDF_INTERRUPT_POLICY {
  WdfIrqPolicyMachineDefault = 0,
  WdfIrqPolicyAllCloseProcessors,
  WdfIrqPolicyOneCloseProcessor,
  WdfIrqPolicyAllProcessorsInMachine,
  WdfIrqPolicySpecifiedProcessors,
  WdfIrqPolicySpreadMessagesAcrossAllProcessors
} WDF_INTERRUPT_POLICY, *PWDF_INTERRUPT_POLICY;

typedef enum _WDF_INTERRUPT_PRIORITY {
  WdfIrqPriorityUndefined = 0,
  WdfIrqPriorityLow,
  WdfIrqPriorityNormal,
  WdfIrqPriorityHigh
} WDF_INTERRUPT_PRIORITY, *PWDF_INTERRUPT_PRIORITY;

typedef struct _GROUP_AFFINITY {
  KAFFINITY Mask;
  USHORT Group;
  USHORT Reserved[3];
} GROUP_AFFINITY, *PGROUP_AFFINITY;

/// The result of WdfInterruptGetInfo (W32).
typedef struct _WDF_INTERRUPT_INFO {
  ULONG Size;
  ULONG64 Reserved1;
  KAFFINITY TargetProcessorSet;
  ULONG Reserved2;
  /// The place in the order of creation (W3).
  ULONG MessageNumber;
  ULONG Vector;
  /// The interrupt's own DIRQL; PASSIVE_LEVEL with PassiveHandling.
  KIRQL Irql;
  KINTERRUPT_MODE Mode;
  WDF_INTERRUPT_POLARITY Polarity;
  BOOLEAN MessageSignaled;
  UCHAR ShareDisposition;
  DECLSPEC_ALIGN(8) USHORT Group;
} WDF_INTERRUPT_INFO, *PWDF_INTERRUPT_INFO;

ISW_INLINE VOID WDF_INTERRUPT_INFO_INIT(PWDF_INTERRUPT_INFO Info) {
  RtlZeroMemory(Info, sizeof *Info);
  Info->Size = sizeof *Info;
}

typedef struct _WDF_INTERRUPT_EXTENDED_POLICY {
  ULONG Size;
  WDF_INTERRUPT_POLICY Policy;
  WDF_INTERRUPT_PRIORITY Priority;
  GROUP_AFFINITY TargetProcessorSetAndGroup;
} WDF_INTERRUPT_EXTENDED_POLICY, *PWDF_INTERRUPT_EXTENDED_POLICY;

ISW_INLINE VOID WDF_INTERRUPT_EXTENDED_POLICY_INIT(PWDF_INTERRUPT_EXTENDED_POLICY ExtendedPolicy) {
  RtlZeroMemory(ExtendedPolicy, sizeof *ExtendedPolicy);
  ExtendedPolicy->Size = sizeof *ExtendedPolicy;
}

ISW_BEGIN_C

/// Makes an interrupt of a device, in EvtDriverDeviceAdd or EvtDevicePrepareHardware. Up to DISPATCH_LEVEL.
///
/// The checks of W2, in that order, with the attributes' own (WdfObjectCreate) after its second:
/// STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_PARAMETER, STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED,
/// STATUS_INVALID_DEVICE_STATE, STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL. STATUS_INVALID_HANDLE for an invalid device
/// or lock.
NTSTATUS WdfInterruptCreate(WDFDEVICE Device, PWDF_INTERRUPT_CONFIG Configuration, PWDF_OBJECT_ATTRIBUTES Attributes,
                            WDFINTERRUPT *Interrupt);

/// Queues EvtInterruptDpc. TRUE if this call queued it; FALSE if it was queued already (W17), or the interrupt has
/// none, which is reported. Up to the interrupt's level.
BOOLEAN WdfInterruptQueueDpcForIsr(WDFINTERRUPT Interrupt);
/// The same for EvtInterruptWorkItem.
BOOLEAN WdfInterruptQueueWorkItemForIsr(WDFINTERRUPT Interrupt);

/// Runs the callback in the calling thread under the interrupt's lock, connected or not (W19 to W21), and returns its
/// result. Up to DISPATCH_LEVEL; PASSIVE_LEVEL for a passive-level interrupt. Returns FALSE without running it at a
/// wrong level, and if the caller is inside a callback already (N4); both are reported.
BOOLEAN WdfInterruptSynchronize(WDFINTERRUPT Interrupt, PFN_WDF_INTERRUPT_SYNCHRONIZE Callback, WDFCONTEXT Context);
/// Acquires the interrupt's lock and raises to its level (W22). The call is reported, and acquires nothing, if the
/// interrupt is not connected (W23; a passive-level interrupt's lock is acquired all the same), if the caller is inside
/// a callback already (N4), and for a passive-level interrupt above PASSIVE_LEVEL (W16). The matching release then does
/// nothing.
VOID WdfInterruptAcquireLock(WDFINTERRUPT Interrupt);
VOID WdfInterruptReleaseLock(WDFINTERRUPT Interrupt);
/// TRUE if the lock was free and the caller holds it now. For passive-level interrupts, at PASSIVE_LEVEL; any other
/// call returns FALSE, with a report (W24).
BOOLEAN WdfInterruptTryToAcquireLock(WDFINTERRUPT Interrupt);

/// Disconnects, with EvtInterruptDisable. The interrupt stays disconnected through power transitions until
/// WdfInterruptEnable (W10). PASSIVE_LEVEL, and not inside the interrupt's own routines.
VOID WdfInterruptDisable(WDFINTERRUPT Interrupt);
/// Connects again, with EvtInterruptEnable, if the device is in D0. A failure is reported.
VOID WdfInterruptEnable(WDFINTERRUPT Interrupt);
/// Resumes or suspends calls of the ISR, without a reconnect. A line that no other interrupt services is masked by the
/// next interrupt, and armed when one is active again. If not connected, the call is reported (W11). Up to
/// DISPATCH_LEVEL.
VOID WdfInterruptReportActive(WDFINTERRUPT Interrupt);
VOID WdfInterruptReportInactive(WDFINTERRUPT Interrupt);

/// Describes the interrupt; without a resource every field but MessageNumber is 0. A wrong Size is reported. Any
/// level.
VOID WdfInterruptGetInfo(WDFINTERRUPT Interrupt, PWDF_INTERRUPT_INFO Info);
/// The WDM interrupt object while connected, else NULL (W12). Up to the interrupt's level.
PKINTERRUPT WdfInterruptWdmGetInterrupt(WDFINTERRUPT Interrupt);
/// Any level.
WDFDEVICE WdfInterruptGetDevice(WDFINTERRUPT Interrupt);

/// Stores a policy; WdfInterruptGetInfo returns its processors and group. It has no other effect: the program decides
/// where the interrupt's thread runs. After the connect the call is reported and ignored (W32). PASSIVE_LEVEL.
VOID WdfInterruptSetPolicy(WDFINTERRUPT Interrupt, WDF_INTERRUPT_POLICY Policy, WDF_INTERRUPT_PRIORITY Priority,
                           KAFFINITY TargetProcessorSet);
VOID WdfInterruptSetExtendedPolicy(WDFINTERRUPT Interrupt, PWDF_INTERRUPT_EXTENDED_POLICY PolicyAndGroup);

ISW_END_C

#endif
