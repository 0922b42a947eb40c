// Resource lists, as EvtDevicePrepareHardware gets them. Valid until EvtDeviceReleaseHardware has returned.
#ifndef ISW_WDFRESOURCE_H
#define ISW_WDFRESOURCE_H

#include "wdftypes.h"

#include "../resource.h"

ISW_BEGIN_C

/// Up to DISPATCH_LEVEL.
ULONG WdfCmResourceListGetCount(WDFCMRESLIST List);
/// NULL at or above the count. Up to DISPATCH_LEVEL.
PCM_PARTIAL_RESOURCE_DESCRIPTOR WdfCmResourceListGetDescriptor(WDFCMRESLIST List, ULONG Index);

ISW_END_C

#endif
