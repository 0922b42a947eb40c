// The device object: stands for a UIO device, made by InterruptSyncCreateDevice (interruptsync_windows.h).
#ifndef ISW_DEVICE_H
#define ISW_DEVICE_H

#include "dpc.h"
#include "resource.h"
#include "types.h"

typedef struct _DRIVER_OBJECT DRIVER_OBJECT, *PDRIVER_OBJECT;
typedef struct _IRP IRP, *PIRP;

typedef struct _DEVICE_OBJECT {
  CSHORT Type;
  USHORT Size;
  LONG ReferenceCount;
  PDRIVER_OBJECT DriverObject;
  struct _DEVICE_OBJECT *NextDevice;
  struct _DEVICE_OBJECT *AttachedDevice;
  PIRP CurrentIrp;
  ULONG Flags;
  ULONG Characteristics;
  /// The driver's own memory, cleared, of the length asked for.
  PVOID DeviceExtension;
  KDPC Dpc;
  /// The system's.
  PVOID Reserved;
} DEVICE_OBJECT, *PDEVICE_OBJECT;

#endif
