// The driver object: what InterruptSyncLoadDriver (interruptsync_windows.h) hands to DriverEntry.
#ifndef ISW_DRIVER_H
#define ISW_DRIVER_H

#include "device.h"

typedef NTSTATUS DRIVER_INITIALIZE(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath);
typedef DRIVER_INITIALIZE *PDRIVER_INITIALIZE;
typedef VOID DRIVER_UNLOAD(PDRIVER_OBJECT DriverObject);
typedef DRIVER_UNLOAD *PDRIVER_UNLOAD;

struct _DRIVER_OBJECT {
  CSHORT Type;
  CSHORT Size;
  /// `\Driver\NAME`.
  UNICODE_STRING DriverName;
  PDRIVER_INITIALIZE DriverInit;
  /// Called by InterruptSyncUnloadDriver unless NULL.
  PDRIVER_UNLOAD DriverUnload;
  /// The system's.
  PVOID Reserved;
};

#endif
