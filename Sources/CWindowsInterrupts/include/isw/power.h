// Windows interfaces, floor 5: power states and control codes as values, for drivers that name them. Any thread, no
// lock. What the framework does with a device's power states is in wdf/wdfdevice.h.
#ifndef ISW_POWER_H
#define ISW_POWER_H

#include "types.h"

typedef enum _DEVICE_POWER_STATE {
  PowerDeviceUnspecified = 0,
  PowerDeviceD0,
  PowerDeviceD1,
  PowerDeviceD2,
  PowerDeviceD3,
  PowerDeviceMaximum
} DEVICE_POWER_STATE, *PDEVICE_POWER_STATE;

typedef enum _SYSTEM_POWER_STATE {
  PowerSystemUnspecified = 0,
  PowerSystemWorking,
  PowerSystemSleeping1,
  PowerSystemSleeping2,
  PowerSystemSleeping3,
  PowerSystemHibernate,
  PowerSystemShutdown,
  PowerSystemMaximum
} SYSTEM_POWER_STATE, *PSYSTEM_POWER_STATE;

typedef enum _POWER_STATE_TYPE { SystemPowerState = 0, DevicePowerState } POWER_STATE_TYPE, *PPOWER_STATE_TYPE;

typedef union _POWER_STATE {
  SYSTEM_POWER_STATE SystemState;
  DEVICE_POWER_STATE DeviceState;
} POWER_STATE, *PPOWER_STATE;

typedef enum _POWER_ACTION {
  PowerActionNone = 0,
  PowerActionReserved,
  PowerActionSleep,
  PowerActionHibernate,
  PowerActionShutdown,
  PowerActionShutdownReset,
  PowerActionShutdownOff,
  PowerActionWarmEject
} POWER_ACTION, *PPOWER_ACTION;

// Control codes. No request comes here; a driver's own code may still be built of them.

#define METHOD_BUFFERED 0
#define METHOD_IN_DIRECT 1
#define METHOD_OUT_DIRECT 2
#define METHOD_NEITHER 3
#define FILE_ANY_ACCESS 0
#define FILE_SPECIAL_ACCESS FILE_ANY_ACCESS
#define FILE_READ_ACCESS 1
#define FILE_WRITE_ACCESS 2
#define FILE_READ_DATA 1
#define FILE_WRITE_DATA 2
#define CTL_CODE(DeviceType, Function, Method, Access) \
  (((DeviceType) << 16) | ((Access) << 14) | ((Function) << 2) | (Method))
#define DEVICE_TYPE_FROM_CTL_CODE(code) (((ULONG)((code) & 0xffff0000)) >> 16)
#define METHOD_FROM_CTL_CODE(code) ((ULONG)((code) & 3))

typedef ULONG DEVICE_TYPE;
#define FILE_DEVICE_CONTROLLER 0x04
#define FILE_DEVICE_DISK 0x07
#define FILE_DEVICE_KEYBOARD 0x0b
#define FILE_DEVICE_MOUSE 0x0f
#define FILE_DEVICE_NETWORK 0x12
#define FILE_DEVICE_NULL 0x15
#define FILE_DEVICE_PARALLEL_PORT 0x16
#define FILE_DEVICE_PHYSICAL_NETCARD 0x17
#define FILE_DEVICE_SERIAL_PORT 0x1b
#define FILE_DEVICE_SCREEN 0x1c
#define FILE_DEVICE_SOUND 0x1d
#define FILE_DEVICE_UNKNOWN 0x22
#define FILE_DEVICE_VIDEO 0x23
#define FILE_DEVICE_BUS_EXTENDER 0x2a
#define FILE_DEVICE_KS 0x2f
#define FILE_DEVICE_SECURE_OPEN 0x100

#endif
