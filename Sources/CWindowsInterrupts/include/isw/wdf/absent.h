// Windows interfaces, floor 5: framework names that interrupt code may use on Windows and that do not exist here; see
// ../absent.h. wdf.h includes it; a driver's use is a compile error. Nothing runs: no thread, no lock.
#ifndef ISW_WDF_ABSENT_H
#define ISW_WDF_ABSENT_H

#include "../absent.h"

ISW_BEGIN_C
#ifndef WdfIoQueueCreate
ISW_ABSENT(WdfIoQueueCreate);
#endif
#ifndef WdfIoQueueStart
ISW_ABSENT(WdfIoQueueStart);
#endif
#ifndef WdfIoQueueStop
ISW_ABSENT(WdfIoQueueStop);
#endif
#ifndef WdfIoQueueRetrieveNextRequest
ISW_ABSENT(WdfIoQueueRetrieveNextRequest);
#endif
#ifndef WdfDeviceGetDefaultQueue
ISW_ABSENT(WdfDeviceGetDefaultQueue);
#endif
#ifndef WdfDeviceConfigureRequestDispatching
ISW_ABSENT(WdfDeviceConfigureRequestDispatching);
#endif
#ifndef WdfRequestCreate
ISW_ABSENT(WdfRequestCreate);
#endif
#ifndef WdfRequestComplete
ISW_ABSENT(WdfRequestComplete);
#endif
#ifndef WdfRequestCompleteWithInformation
ISW_ABSENT(WdfRequestCompleteWithInformation);
#endif
#ifndef WdfRequestRetrieveInputBuffer
ISW_ABSENT(WdfRequestRetrieveInputBuffer);
#endif
#ifndef WdfRequestRetrieveOutputBuffer
ISW_ABSENT(WdfRequestRetrieveOutputBuffer);
#endif
#ifndef WdfRequestMarkCancelable
ISW_ABSENT(WdfRequestMarkCancelable);
#endif
#ifndef WdfRequestUnmarkCancelable
ISW_ABSENT(WdfRequestUnmarkCancelable);
#endif
#ifndef WdfIoTargetCreate
ISW_ABSENT(WdfIoTargetCreate);
#endif
#ifndef WdfIoTargetOpen
ISW_ABSENT(WdfIoTargetOpen);
#endif
#ifndef WdfIoTargetSendReadSynchronously
ISW_ABSENT(WdfIoTargetSendReadSynchronously);
#endif
#ifndef WdfIoTargetSendWriteSynchronously
ISW_ABSENT(WdfIoTargetSendWriteSynchronously);
#endif
#ifndef WdfIoTargetSendIoctlSynchronously
ISW_ABSENT(WdfIoTargetSendIoctlSynchronously);
#endif
#ifndef WdfDmaTransactionCreate
ISW_ABSENT(WdfDmaTransactionCreate);
#endif
#ifndef WdfDmaTransactionDmaCompleted
ISW_ABSENT(WdfDmaTransactionDmaCompleted);
#endif
#ifndef WdfDmaTransactionExecute
ISW_ABSENT(WdfDmaTransactionExecute);
#endif
#ifndef WdfDmaTransactionInitializeUsingRequest
ISW_ABSENT(WdfDmaTransactionInitializeUsingRequest);
#endif
#ifndef WdfDmaEnablerWdmGetDmaAdapter
ISW_ABSENT(WdfDmaEnablerWdmGetDmaAdapter);
#endif
#ifndef WdfDmaEnablerSetMaximumScatterGatherElements
ISW_ABSENT(WdfDmaEnablerSetMaximumScatterGatherElements);
#endif
#ifndef WdfDeviceSetAlignmentRequirement
ISW_ABSENT(WdfDeviceSetAlignmentRequirement);
#endif
#ifndef WdfMemoryCreate
ISW_ABSENT(WdfMemoryCreate);
#endif
#ifndef WdfMemoryGetBuffer
ISW_ABSENT(WdfMemoryGetBuffer);
#endif
#ifndef WdfCollectionCreate
ISW_ABSENT(WdfCollectionCreate);
#endif
#ifndef WdfRegistryOpenKey
ISW_ABSENT(WdfRegistryOpenKey);
#endif
#ifndef WdfDriverOpenParametersRegistryKey
ISW_ABSENT(WdfDriverOpenParametersRegistryKey);
#endif
#ifndef WdfDeviceOpenRegistryKey
ISW_ABSENT(WdfDeviceOpenRegistryKey);
#endif
#ifndef WdfDeviceCreateDeviceInterface
ISW_ABSENT(WdfDeviceCreateDeviceInterface);
#endif
#ifndef WdfDeviceCreateSymbolicLink
ISW_ABSENT(WdfDeviceCreateSymbolicLink);
#endif
#ifndef WdfDeviceInitSetIoType
ISW_ABSENT(WdfDeviceInitSetIoType);
#endif
#ifndef WdfDeviceInitSetPowerPolicyEventCallbacks
ISW_ABSENT(WdfDeviceInitSetPowerPolicyEventCallbacks);
#endif
#ifndef WdfDeviceAssignS0IdleSettings
ISW_ABSENT(WdfDeviceAssignS0IdleSettings);
#endif
#ifndef WdfDeviceStopIdle
ISW_ABSENT(WdfDeviceStopIdle);
#endif
#ifndef WdfDeviceResumeIdle
ISW_ABSENT(WdfDeviceResumeIdle);
#endif
#ifndef WdfDeviceSetFailed
ISW_ABSENT(WdfDeviceSetFailed);
#endif
#ifndef WdfDeviceMapIoSpace
ISW_ABSENT(WdfDeviceMapIoSpace);
#endif
#ifndef WdfFdoInitSetFilter
ISW_ABSENT(WdfFdoInitSetFilter);
#endif
#ifndef WdfFdoQueryForInterface
ISW_ABSENT(WdfFdoQueryForInterface);
#endif
#ifndef WdfUsbTargetDeviceCreate
ISW_ABSENT(WdfUsbTargetDeviceCreate);
#endif
#ifndef WdfControlDeviceInitAllocate
ISW_ABSENT(WdfControlDeviceInitAllocate);
#endif
ISW_END_C

#endif
