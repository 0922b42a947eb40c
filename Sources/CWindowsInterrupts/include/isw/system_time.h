// The time of day and the time since the start, in 100-nanosecond units. Any thread, any level.
#ifndef ISW_SYSTEM_TIME_H
#define ISW_SYSTEM_TIME_H

#include "types.h"

ISW_BEGIN_C

/// Since 1601-01-01 00:00 UTC. Follows CLOCK_REALTIME, also where it is set.
VOID KeQuerySystemTime(PLARGE_INTEGER CurrentTime);
/// The same; here both are precise.
VOID KeQuerySystemTimePrecise(PLARGE_INTEGER CurrentTime);
/// Ticks of KeQueryTimeIncrement's length since the machine started.
VOID KeQueryTickCount(PLARGE_INTEGER CurrentCount);
/// 156250: a tick counts 15.625 ms. Nothing here waits for ticks.
ULONG KeQueryTimeIncrement(VOID);

ISW_END_C

#endif
