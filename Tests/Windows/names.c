// What stands around interrupt code in a driver's sources: identifiers, strings, pages, control codes, power states,
// pointers as numbers, the driver object, and calls that need no device. Compiled as C and as C++.
#include "ntddk.h"
#include "portcls.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define STR_MODULENAME "names: "
#define DEBUG_LEVEL DEBUGLVL_VERBOSE
#include "ksdebug.h"

#include "initguid.h"

EXTERN_C_START
DEFINE_GUID(GUID_OURS, 0x01020304, 0x0506, 0x0708, 1, 2, 3, 4, 5, 6, 7, 8);
EXTERN_C_END

C_ASSERT(sizeof(WCHAR) == 2 && PAGE_SIZE == 1u << PAGE_SHIFT);
C_ASSERT(CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_NEITHER, FILE_READ_ACCESS | FILE_WRITE_ACCESS) == 0x0022e003);
C_ASSERT(METHOD_FROM_CTL_CODE(0x0022e003) == METHOD_NEITHER && DEVICE_TYPE_FROM_CTL_CODE(0x0022e003) == FILE_DEVICE_UNKNOWN);
C_ASSERT(PowerDeviceD0 == 1 && PowerDeviceD3 == 4 && PowerSystemWorking == 1 && PowerSystemShutdown == 6);

static FORCEINLINE ULONG twice(ULONG value) { return 2 * value; }
FORCEINLINE ULONG thrice(ULONG value) { return 3 * value; }
static __inline ULONG four_times(ULONG value) { return 4 * value; }

TEST(inline_functions_are_called_however_they_are_spelled) {
  CHECK_EQUAL(twice(1) + thrice(1) + four_times(1), 9);
}

TEST(an_identifier_of_the_source_is_defined_there) {
  GUID same = {0x01020304, 0x0506, 0x0708, {1, 2, 3, 4, 5, 6, 7, 8}}, other = same;
  other.Data4[7] = 9;
#ifdef __cplusplus
  CHECK(IsEqualGUID(GUID_OURS, same) && !IsEqualGUID(GUID_OURS, other));
#else
  CHECK(IsEqualGUID(&GUID_OURS, &same) && !IsEqualGUID(&GUID_OURS, &other));
#endif
}

TEST(a_string_is_described_with_its_bytes) {
  static const WCHAR text[] = {'a', 'b', 'c', 0};
  UNICODE_STRING string;
  RtlInitUnicodeString(&string, text);
  CHECK(string.Length == 6 && string.MaximumLength == 8 && string.Buffer == text);
  RtlInitUnicodeString(&string, NULL);
  CHECK(string.Length == 0 && string.MaximumLength == 0 && string.Buffer == NULL);
  static WCHAR longest[40000];
  for (int i = 0; i < 39999; i++) longest[i] = 'x';
  RtlInitUnicodeString(&string, longest);
  CHECK_EQUAL(string.Length, 65532);
  CHECK_EQUAL(string.MaximumLength, 65534);
}

TEST(pages_are_those_of_windows) {
  CHECK_EQUAL(BYTES_TO_PAGES(0), 0);
  CHECK_EQUAL(BYTES_TO_PAGES(1), 1);
  CHECK_EQUAL(BYTES_TO_PAGES(0x1001), 2);
  CHECK_EQUAL(ROUND_TO_PAGES(0x1001), 0x2000);
  CHECK_EQUAL(BYTE_OFFSET(0x12345), 0x345);
  CHECK(PAGE_ALIGN(0x12345) == ULongToPtr(0x12000));
}

TEST(numbers_and_pointers_keep_the_lower_half) {
  CHECK_EQUAL(PtrToUlong(ULongToPtr(0xfedcba98u)), 0xfedcba98u);
  CHECK_EQUAL(PtrToLong(LongToPtr(-5)), -5);
  CHECK_EQUAL(HandleToULong(ULongToHandle(7)), 7);
  CHECK_EQUAL(min(3, 5), 3);
  CHECK_EQUAL(max(3, 5), 5);
}

TEST(an_interval_is_counted_from_its_beginning) {
  ULONGLONG begin = PcGetTimeInterval(0), now = KeQueryInterruptTime();
  CHECK(begin <= now);
  KeStallExecutionProcessor(50);
  CHECK(PcGetTimeInterval(begin) >= GTI_MICROSECONDS(50) && PcGetTimeInterval(begin) < GTI_SECONDS(60));
  KeFlushIoBuffers(NULL, TRUE, TRUE);
}

static NTSTATUS dispatch(PDEVICE_OBJECT device, PIRP irp) {
  (void)device, (void)irp;
  return STATUS_INVALID_DEVICE_REQUEST;
}
static NTSTATUS add_device(PDRIVER_OBJECT driver, PDEVICE_OBJECT device) {
  (void)driver, (void)device;
  return STATUS_SUCCESS;
}
static VOID unload(PDRIVER_OBJECT driver) { (void)driver; }
static NTSTATUS entry(PDRIVER_OBJECT driver, PUNICODE_STRING path) {
  (void)path;
  for (int i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) driver->MajorFunction[i] = dispatch;
  driver->DriverExtension->AddDevice = add_device;
  driver->DriverUnload = unload;
  return driver->DriverExtension->DriverObject == driver && driver->DriverExtension->ServiceKeyName.Length == 8
             ? STATUS_SUCCESS
             : STATUS_UNSUCCESSFUL;
}

TEST(a_driver_object_takes_what_driver_entry_sets) {
  PDRIVER_OBJECT driver = NULL;
  CHECK(InterruptSyncLoadDriver(entry, "ours", &driver) == STATUS_SUCCESS);
  CHECK(driver && driver->DriverExtension->AddDevice == add_device && driver->MajorFunction[IRP_MJ_PNP] == dispatch);
  CHECK(InterruptSyncUnloadDriver(driver) == STATUS_SUCCESS);
}

// What a child process writes to standard error while `body` runs, and how it ends.
static int in_child(void (*body)(void), char *text, size_t size) {
  int ends[2], status;
  CHECK(pipe(ends) == 0);
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    body();
    _exit(0);
  }
  close(ends[1]);
  size_t used = 0;
  for (ssize_t n; used + 1 < size && (n = read(ends[0], text + used, size - 1 - used)) > 0;) used += (size_t)n;
  text[used] = 0;
  close(ends[0]);
  CHECK(waitpid(child, &status, 0) == child);
  return status;
}

static void bug_check(void) { KeBugCheckEx(0x9f, 1, 2, 3, 4); }

TEST(a_bug_check_ends_the_process_and_says_why) {
  char text[500];
  int status = in_child(bug_check, text, sizeof text);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  CHECK(strstr(text, "0x0000009F (0x1, 0x2, 0x3, 0x4)") != NULL);
}

static void messages(void) {
  _DbgPrintF(DEBUGLVL_VERBOSE, ("heard %d", 7));
  _DbgPrintF(DEBUGLVL_BLAB, ("not heard"));
}

TEST(messages_up_to_the_level_are_written) {
  char text[500];
  CHECK_EQUAL(in_child(messages, text, sizeof text), 0);
  CHECK(strcmp(text, "names: heard 7\n") == 0);
}
