// Windows interfaces, floor 5: names that interrupt code may use on Windows and that do not exist here. wdm.h includes
// it. A driver's use is a compile error that says where to read more. Define a macro of the same name before this
// header to keep the name for yourself. Nothing runs: no thread, no lock.
#ifndef ISW_ABSENT_H
#define ISW_ABSENT_H

#include "types.h"

#define ISW_ABSENT(name) ISW_REFUSED("absent from InterruptSync: docs/windows.md says what to use") void name(void)

ISW_BEGIN_C
#ifndef KeSetTargetProcessorDpc
ISW_ABSENT(KeSetTargetProcessorDpc);
#endif
#ifndef KeSetTargetProcessorDpcEx
ISW_ABSENT(KeSetTargetProcessorDpcEx);
#endif
#ifndef KePulseEvent
ISW_ABSENT(KePulseEvent);
#endif
#ifndef KeSetCoalescableTimer
ISW_ABSENT(KeSetCoalescableTimer);
#endif
#ifndef ExAllocateTimer
ISW_ABSENT(ExAllocateTimer);
#endif
#ifndef KeInitializeGuardedMutex
ISW_ABSENT(KeInitializeGuardedMutex);
#endif
#ifndef ExInitializeResourceLite
ISW_ABSENT(ExInitializeResourceLite);
#endif
#ifndef KeInitializeQueue
ISW_ABSENT(KeInitializeQueue);
#endif
#ifndef PsTerminateSystemThread
ISW_ABSENT(PsTerminateSystemThread);
#endif
#ifndef IoCreateDevice
ISW_ABSENT(IoCreateDevice);
#endif
#ifndef IoDeleteDevice
ISW_ABSENT(IoDeleteDevice);
#endif
#ifndef IoCompleteRequest
ISW_ABSENT(IoCompleteRequest);
#endif
#ifndef IofCompleteRequest
ISW_ABSENT(IofCompleteRequest);
#endif
#ifndef IoCallDriver
ISW_ABSENT(IoCallDriver);
#endif
#ifndef IoStartNextPacket
ISW_ABSENT(IoStartNextPacket);
#endif
#ifndef MmMapIoSpaceEx
ISW_ABSENT(MmMapIoSpaceEx);
#endif
#ifndef MmAllocateContiguousMemory
ISW_ABSENT(MmAllocateContiguousMemory);
#endif
#ifndef MmGetPhysicalAddress
ISW_ABSENT(MmGetPhysicalAddress);
#endif
#ifndef PsCreateSystemThread
ISW_ABSENT(PsCreateSystemThread);
#endif
#ifndef HalGetInterruptVector
ISW_ABSENT(HalGetInterruptVector);
#endif
#ifndef KeConnectInterrupt
ISW_ABSENT(KeConnectInterrupt);
#endif
ISW_END_C

#endif
