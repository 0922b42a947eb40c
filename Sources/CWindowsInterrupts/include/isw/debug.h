// Windows interfaces, floor 5: messages, assertions, and the time. Drivers call them on any thread at any level, also
// in an ISR; they take no lock. A failed assertion is reported at once, on the same thread.
#ifndef ISW_DEBUG_H
#define ISW_DEBUG_H

#include "types.h"

ISW_BEGIN_C

/// Writes to standard error. The formats are Windows': %l and %ld take 32 bits, %I64d takes 64, %Iu a size, %wZ a
/// UNICODE_STRING. Any level; at most 511 bytes. Always STATUS_SUCCESS.
ULONG DbgPrint(PCSTR Format, ...);
/// The same with a component and a level, neither of which filters anything.
ULONG DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...);
/// Writes file, line and expression of a failed assertion, and stops the process in checked mode.
VOID RtlAssert(PVOID FailedAssertion, PVOID FileName, ULONG LineNumber, PCSTR Message);

/// Spins. Any level; at DIRQL remember what else waits (K24).
VOID KeStallExecutionProcessor(ULONG MicroSeconds);
/// CLOCK_MONOTONIC in nanoseconds; the frequency is 1,000,000,000. Any level.
LARGE_INTEGER KeQueryPerformanceCounter(PLARGE_INTEGER PerformanceFrequency);
/// 100-nanosecond units since the machine started. Any level.
ULONGLONG KeQueryInterruptTime(VOID);

/// Writes the code and its parameters to standard error and ends the process with SIGABRT: Windows stops the machine.
/// Any level.
DECLSPEC_NORETURN VOID KeBugCheckEx(ULONG BugCheckCode, ULONG_PTR BugCheckParameter1, ULONG_PTR BugCheckParameter2,
                                    ULONG_PTR BugCheckParameter3, ULONG_PTR BugCheckParameter4);
/// The same without parameters.
DECLSPEC_NORETURN VOID KeBugCheck(ULONG BugCheckCode);

/// The level check behind PAGED_CODE.
VOID InterruptSyncCheckPagedCode(PCSTR Function);

ISW_END_C

// Levels of trace messages, for drivers that name them.
#define TRACE_LEVEL_NONE 0
#define TRACE_LEVEL_CRITICAL 1
#define TRACE_LEVEL_FATAL 1
#define TRACE_LEVEL_ERROR 2
#define TRACE_LEVEL_WARNING 3
#define TRACE_LEVEL_INFORMATION 4
#define TRACE_LEVEL_VERBOSE 5

#define DPFLTR_IHVDRIVER_ID 77
#define DPFLTR_ERROR_LEVEL 0
#define DPFLTR_WARNING_LEVEL 1
#define DPFLTR_TRACE_LEVEL 2
#define DPFLTR_INFO_LEVEL 3

#if defined(DBG) && DBG
#define KdPrint(arguments) DbgPrint arguments
#define KdPrintEx(arguments) DbgPrintEx arguments
#define ASSERT(expression) \
  ((expression) ? (void)0 : RtlAssert((PVOID)(ULONG_PTR) #expression, (PVOID)(ULONG_PTR)__FILE__, __LINE__, NULL))
#define ASSERTMSG(message, expression) \
  ((expression) ? (void)0 : RtlAssert((PVOID)(ULONG_PTR) #expression, (PVOID)(ULONG_PTR)__FILE__, __LINE__, message))
#define PAGED_CODE() InterruptSyncCheckPagedCode(__func__)
#else
#define KdPrint(arguments) ((void)0)
#define KdPrintEx(arguments) ((void)0)
#define ASSERT(expression) ((void)0)
#define ASSERTMSG(message, expression) ((void)0)
#define PAGED_CODE() ((void)0)
#endif
#define NT_ASSERT(expression) ASSERT(expression)
#define PAGED_CODE_LOCKED() ((void)0)

// The time of day and the time since the machine started, in 100-nanosecond units. Any thread, any level.

ISW_BEGIN_C

/// Since 1601-01-01 00:00 UTC. Follows CLOCK_REALTIME, also when that clock is set.
VOID KeQuerySystemTime(PLARGE_INTEGER CurrentTime);
/// The same: here both are precise.
VOID KeQuerySystemTimePrecise(PLARGE_INTEGER CurrentTime);
/// Ticks of KeQueryTimeIncrement's length since the machine started.
VOID KeQueryTickCount(PLARGE_INTEGER CurrentCount);
/// 156250: a tick counts 15.625 ms. Nothing here waits for ticks.
ULONG KeQueryTimeIncrement(VOID);

ISW_END_C

#endif
