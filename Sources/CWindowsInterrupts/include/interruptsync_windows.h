// Windows interfaces, floor 5: what a program needs beside Windows' own calls. It creates devices, loads drivers, leads
// devices through plug and play, and receives reports of broken rules. On Windows the system does this. The program
// calls these on a thread of its own at PASSIVE_LEVEL, without an interrupt lock, except where a comment gives another
// level.
#ifndef INTERRUPTSYNC_WINDOWS_H
#define INTERRUPTSYNC_WINDOWS_H

#include "wdm.h"

ISW_BEGIN_C

/// Opens a UIO device, or a PCI function of vfio-pci, and makes its device object. Open a device once per process.
///
/// `DeviceId`: `uio0`, `/dev/uio0`, `pci-0000:00:03.0`, `1234:11e8`, `platform-NAME`, or the uio name. PASSIVE_LEVEL.
///
/// STATUS_INVALID_PARAMETER, STATUS_NOT_FOUND, STATUS_ACCESS_DENIED, STATUS_DEVICE_BUSY,
/// STATUS_INSUFFICIENT_RESOURCES, STATUS_UNSUCCESSFUL (N16); a report says why.
NTSTATUS InterruptSyncCreateDevice(PCSTR DeviceId, ULONG DeviceExtensionSize, PDEVICE_OBJECT *DeviceObject);

/// Turns the PCI function's bus mastering on or off in a way that re-arming keeps (facts 42, 45). Windows' PCI bus
/// driver turns it on for the driver; here it is off after InterruptSyncCreateDevice and after every close of the
/// device. PASSIVE_LEVEL.
///
/// STATUS_NOT_SUPPORTED if PCI COMMAND does not re-arm the device's line, STATUS_INVALID_PARAMETER without a device
/// object, STATUS_INVALID_DEVICE_STATE at a wrong level; errors of the device: N16.
NTSTATUS InterruptSyncSetBusMaster(PDEVICE_OBJECT DeviceObject, BOOLEAN On);

/// A device without hardware.
typedef struct _INTERRUPTSYNC_SOFTWARE_DEVICE {
  /// Set by INTERRUPTSYNC_SOFTWARE_DEVICE_INIT.
  ULONG Size;
  /// Number of interrupts; InterruptSyncTriggerInterrupt raises one.
  ULONG Interrupts;
  /// Their resources say latched (edge) instead of level-sensitive.
  BOOLEAN Latched;
  /// They are messages: latched, and connected by CONNECT_MESSAGE_BASED.
  BOOLEAN MessageSignaled;
  /// Bytes of memory, or 0.
  ULONG MemoryLength;
  /// Number of ports, or 0.
  ULONG PortLength;
} INTERRUPTSYNC_SOFTWARE_DEVICE, *PINTERRUPTSYNC_SOFTWARE_DEVICE;

ISW_INLINE VOID INTERRUPTSYNC_SOFTWARE_DEVICE_INIT(PINTERRUPTSYNC_SOFTWARE_DEVICE Device, ULONG Interrupts) {
  RtlZeroMemory(Device, sizeof *Device);
  Device->Size = sizeof *Device;
  Device->Interrupts = Interrupts;
}

/// Makes a device object without hardware, for tests. STATUS_INFO_LENGTH_MISMATCH for a wrong Size.
NTSTATUS InterruptSyncCreateSoftwareDevice(const INTERRUPTSYNC_SOFTWARE_DEVICE *Device, ULONG DeviceExtensionSize,
                                           PDEVICE_OBJECT *DeviceObject);
/// Raises one interrupt of a software device. Any level. STATUS_INVALID_PARAMETER for another device or index.
NTSTATUS InterruptSyncTriggerInterrupt(PDEVICE_OBJECT DeviceObject, ULONG Index);

/// Deletes a device object. Interrupts that are still connected keep their line until they disconnect; the device's
/// addresses become invalid. PASSIVE_LEVEL.
VOID InterruptSyncDeleteDevice(PDEVICE_OBJECT DeviceObject);

/// The device's resources, as IRP_MN_START_DEVICE would deliver them. They live as long as the device object.
PCM_RESOURCE_LIST InterruptSyncTranslatedResources(PDEVICE_OBJECT DeviceObject);
PCM_RESOURCE_LIST InterruptSyncUntranslatedResources(PDEVICE_OBJECT DeviceObject);

/// Loads a driver: makes its driver object and calls DriverEntry with it and a registry path that ends in `Name`.
/// PASSIVE_LEVEL.
///
/// DriverEntry's own status if that is a failure, after which nothing remains; STATUS_INVALID_PARAMETER,
/// STATUS_INVALID_DEVICE_STATE (level).
NTSTATUS InterruptSyncLoadDriver(PDRIVER_INITIALIZE DriverEntry, PCSTR Name, PDRIVER_OBJECT *DriverObject);
/// Unloads a driver: calls DriverUnload and EvtDriverUnload, then ends the driver's objects. PASSIVE_LEVEL.
///
/// STATUS_DEVICE_BUSY while it has a device; STATUS_INVALID_PARAMETER, STATUS_INVALID_DEVICE_STATE (level).
NTSTATUS InterruptSyncUnloadDriver(PDRIVER_OBJECT DriverObject);

// Plug and play for a device of a framework driver (wdf.h), which on Windows comes from the system (N28). Call all of
// these at PASSIVE_LEVEL. They return STATUS_INVALID_DEVICE_STATE at another level, and from a state in which the call
// has no meaning; STATUS_NO_SUCH_DEVICE if no framework driver has the device; STATUS_DEVICE_BUSY while another of
// these calls runs for the device, and inside one of its callbacks.

/// Offers a device to a driver: calls EvtDriverDeviceAdd. Returns the callback's own status if that is a failure,
/// STATUS_UNSUCCESSFUL if the callback succeeded without WdfDeviceCreate, STATUS_INVALID_DEVICE_REQUEST for a driver
/// without that callback, STATUS_INVALID_PARAMETER, or STATUS_DEVICE_BUSY for a device that a driver has already.
NTSTATUS InterruptSyncAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT DeviceObject);
/// EvtDevicePrepareHardware, EvtDeviceD0Entry, connect and EvtInterruptEnable for each interrupt,
/// EvtDeviceD0EntryPostInterruptsEnabled (W6). Returns the first failure, after it has undone the steps before it and
/// called EvtDeviceReleaseHardware.
NTSTATUS InterruptSyncStartDevice(PDEVICE_OBJECT DeviceObject);
/// D0 to D3: EvtDeviceD0ExitPreInterruptsDisabled, EvtInterruptDisable and disconnect for each interrupt,
/// EvtDeviceD0Exit. Returns the first failure; every step runs in any case (W8).
NTSTATUS InterruptSyncPowerDownDevice(PDEVICE_OBJECT DeviceObject);
/// D3 to D0. A failure has released the hardware: start the device again, or remove it.
NTSTATUS InterruptSyncPowerUpDevice(PDEVICE_OBJECT DeviceObject);
/// The device is no longer there: EvtDeviceSurpriseRemoval, the way down without EvtInterruptDisable (W8),
/// EvtDeviceReleaseHardware. Call InterruptSyncRemoveDevice next.
NTSTATUS InterruptSyncSurpriseRemoveDevice(PDEVICE_OBJECT DeviceObject);
/// The way down, EvtDeviceReleaseHardware, and the end of the WDFDEVICE and of all objects below it. You keep the
/// device object.
NTSTATUS InterruptSyncRemoveDevice(PDEVICE_OBJECT DeviceObject);

struct IResourceList;
/// The device's resources as PortCls passes them to a miniport. The caller owns the reference.
NTSTATUS InterruptSyncNewResourceList(struct IResourceList **OutResourceList, PDEVICE_OBJECT DeviceObject);

/// Sets whether any success status of a PortCls service routine claims the interrupt, or STATUS_SUCCESS alone. Applies
/// to sync objects made from now on (N5). On by default: drivers written for PortCls rely on it.
VOID InterruptSyncAcceptAnySuccess(BOOLEAN Accept);

/// Gets a broken rule: the call, the rule's number in docs/semantics.md, and what is wrong.
typedef VOID INTERRUPTSYNC_REPORT_ROUTINE(PVOID Context, PCSTR Call, PCSTR Rule, PCSTR Message);
typedef INTERRUPTSYNC_REPORT_ROUTINE *PINTERRUPTSYNC_REPORT_ROUTINE;

/// Sets where reports go; NULL means standard error. The routine runs in the thread and at the level of the broken
/// call, or on the interrupt's own thread. It must not connect. On the interrupt's own thread, at PASSIVE_LEVEL, it may
/// disconnect. It also gets storms and failures of devices.
VOID InterruptSyncSetReportRoutine(PINTERRUPTSYNC_REPORT_ROUTINE Routine, PVOID Context);
/// Checked mode, for development: a broken rule stops the process after its report. Off by default.
VOID InterruptSyncSetChecked(BOOLEAN Checked);
BOOLEAN InterruptSyncIsChecked(VOID);
/// Reports a broken rule.
VOID InterruptSyncReportViolation(PCSTR Call, PCSTR Rule, PCSTR Message);

ISW_END_C

#endif
