// Windows interfaces, floor 5: framework names that interrupt code may use on Windows and that do not exist here; see
// ../absent.h. No code.
#ifndef ISW_WDF_ABSENT_H
#define ISW_WDF_ABSENT_H

#include "../absent.h"

ISW_BEGIN_C
ISW_ABSENT(WdfIoQueueCreate);
ISW_ABSENT(WdfIoQueueStart);
ISW_ABSENT(WdfIoQueueStop);
ISW_ABSENT(WdfIoQueueRetrieveNextRequest);
ISW_ABSENT(WdfDeviceGetDefaultQueue);
ISW_ABSENT(WdfDeviceConfigureRequestDispatching);
ISW_ABSENT(WdfRequestCreate);
ISW_ABSENT(WdfRequestComplete);
ISW_ABSENT(WdfRequestCompleteWithInformation);
ISW_ABSENT(WdfRequestRetrieveInputBuffer);
ISW_ABSENT(WdfRequestRetrieveOutputBuffer);
ISW_ABSENT(WdfRequestMarkCancelable);
ISW_ABSENT(WdfRequestUnmarkCancelable);
ISW_ABSENT(WdfIoTargetCreate);
ISW_ABSENT(WdfIoTargetOpen);
ISW_ABSENT(WdfIoTargetSendReadSynchronously);
ISW_ABSENT(WdfIoTargetSendWriteSynchronously);
ISW_ABSENT(WdfIoTargetSendIoctlSynchronously);
ISW_ABSENT(WdfDmaTransactionCreate);
ISW_ABSENT(WdfDmaTransactionDmaCompleted);
ISW_ABSENT(WdfDmaTransactionExecute);
ISW_ABSENT(WdfDmaTransactionInitializeUsingRequest);
ISW_ABSENT(WdfDmaEnablerWdmGetDmaAdapter);
ISW_ABSENT(WdfDmaEnablerSetMaximumScatterGatherElements);
ISW_ABSENT(WdfDeviceSetAlignmentRequirement);
ISW_ABSENT(WdfMemoryCreate);
ISW_ABSENT(WdfMemoryGetBuffer);
ISW_ABSENT(WdfCollectionCreate);
ISW_ABSENT(WdfRegistryOpenKey);
ISW_ABSENT(WdfDriverOpenParametersRegistryKey);
ISW_ABSENT(WdfDeviceOpenRegistryKey);
ISW_ABSENT(WdfDeviceCreateDeviceInterface);
ISW_ABSENT(WdfDeviceCreateSymbolicLink);
ISW_ABSENT(WdfDeviceInitSetIoType);
ISW_ABSENT(WdfDeviceInitSetPowerPolicyEventCallbacks);
ISW_ABSENT(WdfDeviceAssignS0IdleSettings);
ISW_ABSENT(WdfDeviceStopIdle);
ISW_ABSENT(WdfDeviceResumeIdle);
ISW_ABSENT(WdfDeviceSetFailed);
ISW_ABSENT(WdfDeviceMapIoSpace);
ISW_ABSENT(WdfFdoInitSetFilter);
ISW_ABSENT(WdfFdoQueryForInterface);
ISW_ABSENT(WdfUsbTargetDeviceCreate);
ISW_ABSENT(WdfObjectAcquireLock);
ISW_ABSENT(WdfObjectReleaseLock);
ISW_ABSENT(WdfControlDeviceInitAllocate);
ISW_END_C

#endif
