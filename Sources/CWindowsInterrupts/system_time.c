// Windows' two times over Linux' two clocks: system time over CLOCK_REALTIME, interrupt time over CLOCK_MONOTONIC.
#include "objects.h"

enum { NANOSECONDS_IN_A_UNIT = 100, TIME_INCREMENT = 156250 };
// From 1601-01-01 to 1970-01-01.
#define UNIX_EPOCH 116444736000000000ll

ULONGLONG isw_clock_now(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (ULONGLONG)now.tv_sec * 1000000000 + (ULONGLONG)now.tv_nsec;
}

ULONGLONG isw_due_time(LONGLONG time, clockid_t *clock) {
  // Half of what fits: centuries, and sums with a period stay in range.
  const ULONGLONG longest = INT64_MAX / 2 / NANOSECONDS_IN_A_UNIT;
  if (time < 0) {
    ULONGLONG units = 0 - (ULONGLONG)time;
    *clock = CLOCK_MONOTONIC;
    return isw_clock_now(CLOCK_MONOTONIC) + (units < longest ? units : longest) * NANOSECONDS_IN_A_UNIT;
  }
  *clock = CLOCK_REALTIME;
  if (time <= UNIX_EPOCH) return 0;
  ULONGLONG units = (ULONGLONG)(time - UNIX_EPOCH);
  return (units < longest ? units : longest) * NANOSECONDS_IN_A_UNIT;
}

VOID KeQuerySystemTime(PLARGE_INTEGER CurrentTime) {
  CurrentTime->QuadPart = UNIX_EPOCH + (LONGLONG)(isw_clock_now(CLOCK_REALTIME) / NANOSECONDS_IN_A_UNIT);
}

VOID KeQuerySystemTimePrecise(PLARGE_INTEGER CurrentTime) { KeQuerySystemTime(CurrentTime); }

VOID KeQueryTickCount(PLARGE_INTEGER CurrentCount) {
  CurrentCount->QuadPart = (LONGLONG)(KeQueryInterruptTime() / TIME_INCREMENT);
}

ULONG KeQueryTimeIncrement(VOID) { return TIME_INCREMENT; }
