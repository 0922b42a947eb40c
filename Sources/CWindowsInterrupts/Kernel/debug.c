// Floor 5, room Kernel. Messages, assertions, checks of the level, the time, and the end of a process that its driver
// asks for. Drivers call it; so do the C files of this target, for levels and times, and Reports.swift, to print. Any
// thread, any level, with or without an interrupt lock; it takes none. A check that fails reports at once
// (Reports.swift).
#include "dispatcher_objects.h"

#include "linux_clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// Windows' long has 32 bits, so `l` is dropped. `I64` becomes `ll`, `I` becomes `z`, and `I32` is dropped.
static size_t translate_length(const char **from, char *to) {
  const char *f = *from;
  size_t n = 0;
  if (f[0] == 'I' && f[1] == '6' && f[2] == '4') f += 3, to[n++] = 'l', to[n++] = 'l';
  else if (f[0] == 'I' && f[1] == '3' && f[2] == '2') f += 3;
  else if (f[0] == 'I') f += 1, to[n++] = 'z';
  else if (f[0] == 'l' && f[1] == 'l') f += 2, to[n++] = 'l', to[n++] = 'l';
  else if (f[0] == 'l' && f[1] != 's' && f[1] != 'c') f += 1;
  *from = f;
  return n;
}

static size_t append(char *line, size_t used, size_t size, const char *text, size_t length) {
  for (size_t i = 0; i < length && used + 1 < size; i++) line[used++] = text[i];
  return used;
}

// A WCHAR string. Other characters than ASCII become question marks.
static size_t append_wide(char *line, size_t used, size_t size, const WCHAR *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    char c = text[i] >= 32 && text[i] < 127 ? (char)text[i] : '?';
    used = append(line, used, size, &c, 1);
  }
  return used;
}

static size_t wide_length(const WCHAR *text) {
  size_t length = 0;
  while (text && text[length]) length++;
  return length;
}

// Prints one conversion. `*format` is after its percent sign; on return it is after the conversion.
static size_t convert(char *line, size_t used, size_t size, const char **format, va_list *arguments) {
  char one[32] = "%", text[128];
  size_t n = 1;
  const char *f = *format;
  while (*f && strchr("-+ #0123456789.", *f) && n < 20) one[n++] = *f++;
  if (f[0] == 'w' && f[1] == 'Z') {
    *format = f + 2;
    const UNICODE_STRING *string = va_arg(*arguments, const UNICODE_STRING *);
    return string ? append_wide(line, used, size, string->Buffer, string->Length / 2) : used;
  }
  if ((f[0] == 'w' || f[0] == 'l') && f[1] == 's') {
    *format = f + 2;
    const WCHAR *string = va_arg(*arguments, const WCHAR *);
    return append_wide(line, used, size, string, wide_length(string));
  }
  if (*f == '*') return used;
  size_t width = translate_length(&f, one + n);
  n += width;
  if (!*f) return used;
  char kind = *f++;
  one[n++] = kind;
  one[n] = 0;
  *format = f;
  if (kind == '%') return append(line, used, size, "%", 1);
  if (kind == 's') {
    const char *string = va_arg(*arguments, const char *);
    if (!string) string = "(null)";
    return append(line, used, size, string, strlen(string));
  }
  if (kind == 'p') snprintf(text, sizeof text, one, va_arg(*arguments, void *));
  else if (strchr("eEfFgG", kind)) snprintf(text, sizeof text, one, va_arg(*arguments, double));
  else if (width == 2) snprintf(text, sizeof text, one, va_arg(*arguments, long long));
  else if (width == 1) snprintf(text, sizeof text, one, va_arg(*arguments, size_t));
  else snprintf(text, sizeof text, one, va_arg(*arguments, int));
  return append(line, used, size, text, strlen(text));
}

static void print(const char *format, va_list *arguments) {
  char line[512];
  size_t used = 0;
  while (*format && used + 1 < sizeof line) {
    if (*format != '%') line[used++] = *format++;
    else format++, used = convert(line, used, sizeof line, &format, arguments);
  }
  ssize_t written = write(STDERR_FILENO, line, used);
  (void)written;
}

ULONG DbgPrint(PCSTR Format, ...) {
  va_list arguments;
  va_start(arguments, Format);
  print(Format, &arguments);
  va_end(arguments);
  return 0;
}

ULONG DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...) {
  (void)ComponentId, (void)Level;
  va_list arguments;
  va_start(arguments, Format);
  print(Format, &arguments);
  va_end(arguments);
  return 0;
}

VOID RtlAssert(PVOID FailedAssertion, PVOID FileName, ULONG LineNumber, PCSTR Message) {
  char text[300];
  snprintf(text, sizeof text, "%s:%u: %s%s%s", (const char *)FileName, (unsigned)LineNumber,
           (const char *)FailedAssertion, Message ? ": " : "", Message ? Message : "");
  InterruptSyncReportViolation("ASSERT", "the driver's own", text);
}

void isw_print_report(PCSTR call, PCSTR rule, PCSTR message) {
  fprintf(stderr, "interruptsync: %s: %s [%s]\n", call, message, rule);
}

bool isw_require_irql(PCSTR call, KIRQL limit) {
  KIRQL level = KeGetCurrentIrql();
  if (level <= limit) return true;
  char text[100];
  snprintf(text, sizeof text, "called at IRQL %u; the limit is %u", level, limit);
  InterruptSyncReportViolation(call, "4.6", text);
  return false;
}

VOID InterruptSyncCheckPagedCode(PCSTR Function) {
  KIRQL level = KeGetCurrentIrql();
  if (level <= APC_LEVEL) return;
  char text[200];
  snprintf(text, sizeof text, "%s is pageable code and runs at IRQL %u", Function, level);
  InterruptSyncReportViolation("PAGED_CODE", "S17", text);
}

VOID KeStallExecutionProcessor(ULONG MicroSeconds) {
  uint64_t end = linux_nanoseconds() + MicroSeconds * 1000ull;
  while (linux_nanoseconds() < end) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
}

LARGE_INTEGER KeQueryPerformanceCounter(PLARGE_INTEGER PerformanceFrequency) {
  if (PerformanceFrequency) PerformanceFrequency->QuadPart = 1000000000;
  LARGE_INTEGER now;
  now.QuadPart = (LONGLONG)linux_nanoseconds();
  return now;
}

ULONGLONG KeQueryInterruptTime(VOID) { return linux_nanoseconds() / 100; }

VOID KeBugCheckEx(ULONG code, ULONG_PTR a, ULONG_PTR b, ULONG_PTR c, ULONG_PTR d) {
  fprintf(stderr, "interruptsync: KeBugCheckEx: the driver stops the process: 0x%08X (0x%llx, 0x%llx, 0x%llx, 0x%llx)\n",
          code, (ULONGLONG)a, (ULONGLONG)b, (ULONGLONG)c, (ULONGLONG)d);
  abort();
}

VOID KeBugCheck(ULONG code) { KeBugCheckEx(code, 0, 0, 0, 0); }

// Windows' two times over Linux' two clocks: system time over CLOCK_REALTIME, interrupt time over CLOCK_MONOTONIC.

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
