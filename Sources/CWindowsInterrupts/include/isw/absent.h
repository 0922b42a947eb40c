// Windows interfaces, floor 5: names that interrupt code may use on Windows and that do not exist here. A use is a
// compile error that says where to read more. Define a macro of the same name before this header to keep the name for
// yourself. No code.
#ifndef ISW_ABSENT_H
#define ISW_ABSENT_H

#include "types.h"

#if defined(__has_attribute)
#if __has_attribute(unavailable)
#define ISW_UNAVAILABLE __attribute__((unavailable("absent from InterruptSync: docs/windows.md says what to use")))
#endif
#endif
#ifndef ISW_UNAVAILABLE
#define ISW_UNAVAILABLE __attribute__((error("absent from InterruptSync: docs/windows.md says what to use")))
#endif
#define ISW_ABSENT(name) ISW_UNAVAILABLE void name(void)

ISW_BEGIN_C
ISW_ABSENT(KeSetTargetProcessorDpc);
ISW_ABSENT(KeSetTargetProcessorDpcEx);
ISW_ABSENT(KePulseEvent);
ISW_ABSENT(KeSetCoalescableTimer);
ISW_ABSENT(ExAllocateTimer);
ISW_ABSENT(KeInitializeGuardedMutex);
ISW_ABSENT(ExInitializeResourceLite);
ISW_ABSENT(KeInitializeQueue);
ISW_ABSENT(PsTerminateSystemThread);
ISW_ABSENT(IoCreateDevice);
ISW_ABSENT(IoDeleteDevice);
ISW_ABSENT(IoCompleteRequest);
ISW_ABSENT(IofCompleteRequest);
ISW_ABSENT(IoCallDriver);
ISW_ABSENT(IoStartNextPacket);
ISW_ABSENT(MmMapIoSpaceEx);
ISW_ABSENT(MmAllocateContiguousMemory);
ISW_ABSENT(MmGetPhysicalAddress);
ISW_ABSENT(PsCreateSystemThread);
ISW_ABSENT(KeBugCheckEx);
ISW_ABSENT(HalGetInterruptVector);
ISW_ABSENT(KeConnectInterrupt);
ISW_END_C

#endif
