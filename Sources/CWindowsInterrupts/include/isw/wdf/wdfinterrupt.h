// Locks and interrupts. An interrupt's lock is a lock of the library, connected or not, and several interrupts can share
// one (W5). The ISR, the Enable, Disable and Synchronize callbacks, and the threads that hold the lock through
// WdfInterruptAcquireLock exclude each other (W1 to W32).
#ifndef ISW_WDFINTERRUPT_H
#define ISW_WDFINTERRUPT_H

#include "../interrupt.h"
#include "wdfobject.h"

// Spin locks and wait locks. An interrupt can be made with either (W5).

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

// The interrupt object.

/// At the interrupt's level, under its lock. TRUE only if the device interrupted and was serviced. MessageID is 0: UIO
/// has lines only (W13).
typedef BOOLEAN EVT_WDF_INTERRUPT_ISR(WDFINTERRUPT Interrupt, ULONG MessageID);
typedef EVT_WDF_INTERRUPT_ISR *PFN_WDF_INTERRUPT_ISR;
/// At the interrupt's level, under its lock (W19).
typedef BOOLEAN EVT_WDF_INTERRUPT_SYNCHRONIZE(WDFINTERRUPT Interrupt, WDFCONTEXT Context);
typedef EVT_WDF_INTERRUPT_SYNCHRONIZE *PFN_WDF_INTERRUPT_SYNCHRONIZE;
/// At DISPATCH_LEVEL without the lock (W14), never concurrently with itself.
typedef VOID EVT_WDF_INTERRUPT_DPC(WDFINTERRUPT Interrupt, WDFOBJECT AssociatedObject);
typedef EVT_WDF_INTERRUPT_DPC *PFN_WDF_INTERRUPT_DPC;
/// At PASSIVE_LEVEL without the lock (W14), never concurrently with itself.
typedef VOID EVT_WDF_INTERRUPT_WORKITEM(WDFINTERRUPT Interrupt, WDFOBJECT AssociatedObject);
typedef EVT_WDF_INTERRUPT_WORKITEM *PFN_WDF_INTERRUPT_WORKITEM;
/// At the interrupt's level, under its lock: makes the device interrupt, or not (W6 to W8).
typedef NTSTATUS EVT_WDF_INTERRUPT_ENABLE(WDFINTERRUPT Interrupt, WDFDEVICE AssociatedDevice);
typedef EVT_WDF_INTERRUPT_ENABLE *PFN_WDF_INTERRUPT_ENABLE;
typedef NTSTATUS EVT_WDF_INTERRUPT_DISABLE(WDFINTERRUPT Interrupt, WDFDEVICE AssociatedDevice);
typedef EVT_WDF_INTERRUPT_DISABLE *PFN_WDF_INTERRUPT_DISABLE;

typedef struct _WDF_INTERRUPT_CONFIG {
  ULONG Size;
  /// Shared with other interrupts, or NULL (W5).
  WDFSPINLOCK SpinLock;
  WDF_TRI_STATE ShareVector;
  /// Without an effect.
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
  /// Without an effect: the interrupt is disconnected.
  WDF_TRI_STATE ReportInactiveOnPowerDown;
  /// Without an effect.
  BOOLEAN CanWakeDevice;
} WDF_INTERRUPT_CONFIG, *PWDF_INTERRUPT_CONFIG;

FORCEINLINE VOID WDF_INTERRUPT_CONFIG_INIT(PWDF_INTERRUPT_CONFIG Configuration, PFN_WDF_INTERRUPT_ISR EvtInterruptIsr,
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

/// What WdfInterruptGetInfo gives (W32).
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

FORCEINLINE VOID WDF_INTERRUPT_INFO_INIT(PWDF_INTERRUPT_INFO Info) {
  RtlZeroMemory(Info, sizeof *Info);
  Info->Size = sizeof *Info;
}

typedef struct _WDF_INTERRUPT_EXTENDED_POLICY {
  ULONG Size;
  WDF_INTERRUPT_POLICY Policy;
  WDF_INTERRUPT_PRIORITY Priority;
  GROUP_AFFINITY TargetProcessorSetAndGroup;
} WDF_INTERRUPT_EXTENDED_POLICY, *PWDF_INTERRUPT_EXTENDED_POLICY;

FORCEINLINE VOID WDF_INTERRUPT_EXTENDED_POLICY_INIT(PWDF_INTERRUPT_EXTENDED_POLICY ExtendedPolicy) {
  RtlZeroMemory(ExtendedPolicy, sizeof *ExtendedPolicy);
  ExtendedPolicy->Size = sizeof *ExtendedPolicy;
}

ISW_BEGIN_C

/// Makes an interrupt of a device, in EvtDriverDeviceAdd or EvtDevicePrepareHardware. Up to DISPATCH_LEVEL.
///
/// The checks of W2, in that order, with the attributes' own (WdfObjectCreate) after its second:
/// STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_PARAMETER, STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED,
/// STATUS_INVALID_DEVICE_STATE, STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL. STATUS_INVALID_HANDLE for a device or lock
/// that is none.
NTSTATUS WdfInterruptCreate(WDFDEVICE Device, PWDF_INTERRUPT_CONFIG Configuration, PWDF_OBJECT_ATTRIBUTES Attributes,
                            WDFINTERRUPT *Interrupt);

/// Queues EvtInterruptDpc. TRUE: now; FALSE: it was queued already (W17), or there is none, which is reported. Up to
/// the interrupt's level.
BOOLEAN WdfInterruptQueueDpcForIsr(WDFINTERRUPT Interrupt);
/// The same for EvtInterruptWorkItem.
BOOLEAN WdfInterruptQueueWorkItemForIsr(WDFINTERRUPT Interrupt);

/// Runs the callback in the calling thread under the interrupt's lock, connected or not (W19 to W21), and gives its
/// result. Up to DISPATCH_LEVEL; PASSIVE_LEVEL for a passive-level interrupt. FALSE without running it at a wrong
/// level and for a caller that is inside already (N4); both are reported.
BOOLEAN WdfInterruptSynchronize(WDFINTERRUPT Interrupt, PFN_WDF_INTERRUPT_SYNCHRONIZE Callback, WDFCONTEXT Context);
/// Takes the interrupt's lock and raises to its level (W22). Reported, and without a lock: not connected (W23; but for
/// a passive-level interrupt, whose lock is taken all the same), inside already (N4), and, for a passive-level
/// interrupt, above PASSIVE_LEVEL (W16). The matching release is then harmless.
VOID WdfInterruptAcquireLock(WDFINTERRUPT Interrupt);
VOID WdfInterruptReleaseLock(WDFINTERRUPT Interrupt);
/// TRUE when the lock was free and is taken now. Passive-level interrupts only, at PASSIVE_LEVEL; FALSE, with a
/// report, otherwise (W24).
BOOLEAN WdfInterruptTryToAcquireLock(WDFINTERRUPT Interrupt);

/// Disconnects, with EvtInterruptDisable, and keeps it so through power transitions until WdfInterruptEnable (W10).
/// PASSIVE_LEVEL, and not inside the interrupt's own routines.
VOID WdfInterruptDisable(WDFINTERRUPT Interrupt);
/// Connects again, with EvtInterruptEnable, if the device is in D0; what fails is reported.
VOID WdfInterruptEnable(WDFINTERRUPT Interrupt);
/// Lets the ISR be called again, or not, without a reconnect; not connected is reported (W11). Up to DISPATCH_LEVEL.
VOID WdfInterruptReportActive(WDFINTERRUPT Interrupt);
VOID WdfInterruptReportInactive(WDFINTERRUPT Interrupt);

/// What is known of the interrupt; without a resource all but MessageNumber is 0. A wrong Size is reported. Up to
/// DISPATCH_LEVEL.
VOID WdfInterruptGetInfo(WDFINTERRUPT Interrupt, PWDF_INTERRUPT_INFO Info);
/// The WDM interrupt object while connected, else NULL (W12). Up to the interrupt's level.
PKINTERRUPT WdfInterruptWdmGetInterrupt(WDFINTERRUPT Interrupt);
/// Any level.
WDFDEVICE WdfInterruptGetDevice(WDFINTERRUPT Interrupt);

/// Kept and given back by WdfInterruptGetInfo (the processors and the group), without another effect: where the
/// interrupt's thread runs is the program's to say. After the connect reported, and not taken (W32). PASSIVE_LEVEL.
VOID WdfInterruptSetPolicy(WDFINTERRUPT Interrupt, WDF_INTERRUPT_POLICY Policy, WDF_INTERRUPT_PRIORITY Priority,
                           KAFFINITY TargetProcessorSet);
VOID WdfInterruptSetExtendedPolicy(WDFINTERRUPT Interrupt, PWDF_INTERRUPT_EXTENDED_POLICY PolicyAndGroup);

ISW_END_C

#endif
