// The driver: made in DriverEntry, which InterruptSyncLoadDriver calls.
#ifndef ISW_WDFDRIVER_H
#define ISW_WDFDRIVER_H

#include "wdfobject.h"

/// Calls WdfDeviceCreate for a device that InterruptSyncAddDevice brings. PASSIVE_LEVEL.
typedef NTSTATUS EVT_WDF_DRIVER_DEVICE_ADD(WDFDRIVER Driver, PWDFDEVICE_INIT DeviceInit);
typedef EVT_WDF_DRIVER_DEVICE_ADD *PFN_WDF_DRIVER_DEVICE_ADD;
/// Before the driver's object ends. PASSIVE_LEVEL.
typedef VOID EVT_WDF_DRIVER_UNLOAD(WDFDRIVER Driver);
typedef EVT_WDF_DRIVER_UNLOAD *PFN_WDF_DRIVER_UNLOAD;

typedef enum _WDF_DRIVER_INIT_FLAGS {
  WdfDriverInitNonPnpDriver = 1,
  WdfDriverInitNoDispatchOverride = 2
} WDF_DRIVER_INIT_FLAGS;

typedef struct _WDF_DRIVER_CONFIG {
  ULONG Size;
  PFN_WDF_DRIVER_DEVICE_ADD EvtDriverDeviceAdd;
  PFN_WDF_DRIVER_UNLOAD EvtDriverUnload;
  /// WDF_DRIVER_INIT_FLAGS.
  ULONG DriverInitFlags;
  /// Kept, without an effect.
  ULONG DriverPoolTag;
} WDF_DRIVER_CONFIG, *PWDF_DRIVER_CONFIG;

FORCEINLINE VOID WDF_DRIVER_CONFIG_INIT(PWDF_DRIVER_CONFIG Config, PFN_WDF_DRIVER_DEVICE_ADD EvtDriverDeviceAdd) {
  RtlZeroMemory(Config, sizeof *Config);
  Config->Size = sizeof *Config;
  Config->EvtDriverDeviceAdd = EvtDriverDeviceAdd;
}

ISW_BEGIN_C

NTSTATUS WdfDriverCreateIn(WDFDRIVER *Image, PDRIVER_OBJECT DriverObject, PCUNICODE_STRING RegistryPath,
                               PWDF_OBJECT_ATTRIBUTES DriverAttributes, PWDF_DRIVER_CONFIG DriverConfig,
                               WDFDRIVER *Driver);
/// The driver object that DriverEntry got. Any level.
PDRIVER_OBJECT WdfDriverWdmGetDriverObject(WDFDRIVER Driver);

ISW_END_C

/// Makes the driver's object. In DriverEntry, once. PASSIVE_LEVEL. `Driver` may be NULL.
///
/// STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_PARAMETER (no driver object or configuration, or EvtDriverDeviceAdd
/// together with WdfDriverInitNonPnpDriver), STATUS_DRIVER_INTERNAL_ERROR (the second call),
/// STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED, and what WdfObjectCreate says of attributes.
FORCEINLINE NTSTATUS WdfDriverCreate(PDRIVER_OBJECT DriverObject, PCUNICODE_STRING RegistryPath,
                                     PWDF_OBJECT_ATTRIBUTES DriverAttributes, PWDF_DRIVER_CONFIG DriverConfig,
                                     WDFDRIVER *Driver) {
  return WdfDriverCreateIn(&isw_wdf_driver, DriverObject, RegistryPath, DriverAttributes, DriverConfig, Driver);
}

/// The driver of the calling program or shared library; NULL before WdfDriverCreate. Any level.
FORCEINLINE WDFDRIVER WdfGetDriver(VOID) { return isw_wdf_driver; }

#endif
