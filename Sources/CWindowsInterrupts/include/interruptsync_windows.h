// What the Windows surfaces need that Windows has not: where devices come from, and where reports go.
#ifndef INTERRUPTSYNC_WINDOWS_H
#define INTERRUPTSYNC_WINDOWS_H

#include "wdm.h"

ISW_BEGIN_C

/// Opens a UIO device and makes the device object that stands for it. Open a device once per process.
///
/// `DeviceId`: `uio0`, `/dev/uio0`, `pci-0000:00:03.0`, `platform-NAME`, or the device's uio name. PASSIVE_LEVEL.
///
/// STATUS_INVALID_PARAMETER, STATUS_NOT_FOUND, STATUS_ACCESS_DENIED, STATUS_DEVICE_BUSY,
/// STATUS_INSUFFICIENT_RESOURCES, STATUS_UNSUCCESSFUL (N16); what happened is written to the report.
NTSTATUS InterruptSyncCreateDevice(PCSTR DeviceId, ULONG DeviceExtensionSize, PDEVICE_OBJECT *DeviceObject);

/// Turns the PCI function's bus mastering on or off so that re-arming keeps it (facts 42, 45); Windows' PCI bus turns it
/// on by itself. Off after InterruptSyncCreateDevice as after every close of the device. PASSIVE_LEVEL.
///
/// STATUS_NOT_SUPPORTED when the device's line is not re-armed by PCI COMMAND, STATUS_INVALID_PARAMETER for no device
/// object, STATUS_INVALID_DEVICE_STATE at a wrong level; of the device: N16.
NTSTATUS InterruptSyncSetBusMaster(PDEVICE_OBJECT DeviceObject, BOOLEAN On);

/// What a device without hardware has.
typedef struct _INTERRUPTSYNC_SOFTWARE_DEVICE {
  /// Set by INTERRUPTSYNC_SOFTWARE_DEVICE_INIT.
  ULONG Size;
  /// Interrupts, raised with InterruptSyncTriggerInterrupt.
  ULONG Interrupts;
  /// They are described as latched (edge) instead of level-sensitive.
  BOOLEAN Latched;
  /// Bytes of memory, or 0.
  ULONG MemoryLength;
  /// Number of ports, or 0.
  ULONG PortLength;
} INTERRUPTSYNC_SOFTWARE_DEVICE, *PINTERRUPTSYNC_SOFTWARE_DEVICE;

FORCEINLINE VOID INTERRUPTSYNC_SOFTWARE_DEVICE_INIT(PINTERRUPTSYNC_SOFTWARE_DEVICE Device, ULONG Interrupts) {
  RtlZeroMemory(Device, sizeof *Device);
  Device->Size = sizeof *Device;
  Device->Interrupts = Interrupts;
}

/// Makes a device object without hardware, for tests. STATUS_INFO_LENGTH_MISMATCH for a wrong Size.
NTSTATUS InterruptSyncCreateSoftwareDevice(const INTERRUPTSYNC_SOFTWARE_DEVICE *Device, ULONG DeviceExtensionSize,
                                           PDEVICE_OBJECT *DeviceObject);
/// Raises one interrupt of a software device. Any level. STATUS_INVALID_PARAMETER for another device or index.
NTSTATUS InterruptSyncTriggerInterrupt(PDEVICE_OBJECT DeviceObject, ULONG Index);

/// Ends a device object. Interrupts that are still connected keep their line until they are disconnected; its
/// addresses end here. PASSIVE_LEVEL.
VOID InterruptSyncDeleteDevice(PDEVICE_OBJECT DeviceObject);

/// The device's resources, as IRP_MN_START_DEVICE would bring them. They live as long as the device object.
PCM_RESOURCE_LIST InterruptSyncTranslatedResources(PDEVICE_OBJECT DeviceObject);
PCM_RESOURCE_LIST InterruptSyncUntranslatedResources(PDEVICE_OBJECT DeviceObject);

/// Loads a driver: makes its driver object and calls DriverEntry with it and a registry path that ends in `Name`.
/// PASSIVE_LEVEL.
///
/// DriverEntry's own status when that is a failure, after which nothing stays; STATUS_INVALID_PARAMETER,
/// STATUS_INVALID_DEVICE_STATE (level).
NTSTATUS InterruptSyncLoadDriver(PDRIVER_INITIALIZE DriverEntry, PCSTR Name, PDRIVER_OBJECT *DriverObject);
/// Unloads it: DriverUnload, EvtDriverUnload, then the driver's objects. PASSIVE_LEVEL.
///
/// STATUS_DEVICE_BUSY while it has a device; STATUS_INVALID_PARAMETER, STATUS_INVALID_DEVICE_STATE (level).
NTSTATUS InterruptSyncUnloadDriver(PDRIVER_OBJECT DriverObject);

// A device of a framework driver (wdf.h), which Windows would lead through these by plug and play (N28). All at
// PASSIVE_LEVEL, else STATUS_INVALID_DEVICE_STATE; that also from a state in which the call has no meaning.
// STATUS_NO_SUCH_DEVICE: no framework driver has the device. STATUS_DEVICE_BUSY: another of these calls is at work
// on it, or this is one of its callbacks.

/// Offers a device to a driver: EvtDriverDeviceAdd. The callback's own status when that is a failure, and
/// STATUS_UNSUCCESSFUL when it succeeded without a WdfDeviceCreate; STATUS_INVALID_DEVICE_REQUEST for a driver without
/// that callback, STATUS_INVALID_PARAMETER, STATUS_DEVICE_BUSY for a device that a driver has.
NTSTATUS InterruptSyncAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT DeviceObject);
/// EvtDevicePrepareHardware, EvtDeviceD0Entry, connect and EvtInterruptEnable for each interrupt,
/// EvtDeviceD0EntryPostInterruptsEnabled (W6). The status of what failed first; what was done is then undone, and
/// EvtDeviceReleaseHardware called.
NTSTATUS InterruptSyncStartDevice(PDEVICE_OBJECT DeviceObject);
/// D0 to D3: EvtDeviceD0ExitPreInterruptsDisabled, EvtInterruptDisable and disconnect for each interrupt,
/// EvtDeviceD0Exit. The status of what failed first; all is done in any case (W8).
NTSTATUS InterruptSyncPowerDownDevice(PDEVICE_OBJECT DeviceObject);
/// D3 to D0. After a failure the hardware has been released; start the device again or remove it.
NTSTATUS InterruptSyncPowerUpDevice(PDEVICE_OBJECT DeviceObject);
/// The device has gone: EvtDeviceSurpriseRemoval, the way down without EvtInterruptDisable (W8),
/// EvtDeviceReleaseHardware. InterruptSyncRemoveDevice is to follow.
NTSTATUS InterruptSyncSurpriseRemoveDevice(PDEVICE_OBJECT DeviceObject);
/// The way down, EvtDeviceReleaseHardware, and the end of the WDFDEVICE and of what lies below it. The device object
/// stays the caller's.
NTSTATUS InterruptSyncRemoveDevice(PDEVICE_OBJECT DeviceObject);

struct IResourceList;
/// The device's resources as PortCls hands them to a miniport. The caller owns the reference.
NTSTATUS InterruptSyncNewResourceList(struct IResourceList **OutResourceList, PDEVICE_OBJECT DeviceObject);

/// Whether any success-class status of a PortCls service routine claims the interrupt, not only STATUS_SUCCESS, in sync
/// objects that are made from now on (N5). Off unless set.
VOID InterruptSyncAcceptAnySuccess(BOOLEAN Accept);

/// A broken rule: the call, the rule's number in docs/semantics.md, and what is wrong.
typedef VOID INTERRUPTSYNC_REPORT_ROUTINE(PVOID Context, PCSTR Call, PCSTR Rule, PCSTR Message);
typedef INTERRUPTSYNC_REPORT_ROUTINE *PINTERRUPTSYNC_REPORT_ROUTINE;

/// Where reports go; NULL: standard error. The routine runs in the thread and at the level of the broken call, or on
/// the interrupt's own thread; it must not connect or disconnect. Storms and failures of a device come here as well.
VOID InterruptSyncSetReportRoutine(PINTERRUPTSYNC_REPORT_ROUTINE Routine, PVOID Context);
/// Checked mode, for development: a broken rule stops the process after its report. Off unless set.
VOID InterruptSyncSetChecked(BOOLEAN Checked);
BOOLEAN InterruptSyncIsChecked(VOID);
/// Reports a broken rule.
VOID InterruptSyncReportViolation(PCSTR Call, PCSTR Rule, PCSTR Message);

ISW_END_C

#endif
