// Base: types, lists, atomics, memory, pool, output, time, registers. Compiled as C and as C++.
#include "ntddk.h"

#include <unistd.h>

#include "check.h"

TEST(widths) {
  C_ASSERT(sizeof(LONG) == 4 && sizeof(ULONG) == 4 && sizeof(USHORT) == 2 && sizeof(UCHAR) == 1);
  C_ASSERT(sizeof(LONGLONG) == 8 && sizeof(ULONG_PTR) == sizeof(PVOID) && sizeof(SIZE_T) == sizeof(PVOID));
  C_ASSERT(sizeof(BOOLEAN) == 1 && sizeof(WCHAR) == 2 && sizeof(NTSTATUS) == 4 && sizeof(KIRQL) == 1);
  C_ASSERT(sizeof(GUID) == 16 && sizeof(LARGE_INTEGER) == 8 && sizeof(KSPIN_LOCK) == sizeof(PVOID));
  LARGE_INTEGER number;
  number.QuadPart = -2;
  CHECK(number.HighPart == -1 && number.LowPart == 0xfffffffe && number.u.HighPart == -1);
  struct whole { int before; LIST_ENTRY entry; } whole;
  CHECK(CONTAINING_RECORD(&whole.entry, struct whole, entry) == &whole);
  CHECK(FIELD_OFFSET(struct whole, entry) == 8 && ARRAYSIZE("abc") == 4);
}

TEST(statuses) {
  CHECK(NT_SUCCESS(STATUS_SUCCESS) && NT_SUCCESS(STATUS_TIMEOUT) && NT_SUCCESS(STATUS_PENDING));
  CHECK(!NT_SUCCESS(STATUS_DEVICE_BUSY) && NT_WARNING(STATUS_DEVICE_BUSY) && !NT_ERROR(STATUS_DEVICE_BUSY));
  CHECK(!NT_SUCCESS(STATUS_UNSUCCESSFUL) && NT_ERROR(STATUS_IO_DEVICE_ERROR));
  CHECK((ULONG)STATUS_UNSUCCESSFUL == 0xC0000001 && (ULONG)STATUS_INVALID_PARAMETER_10 == 0xC00000F8);
  CHECK((ULONG)STATUS_POSSIBLE_DEADLOCK == 0xC0000194 && (ULONG)STATUS_NOT_FOUND == 0xC0000225);
}

TEST(lists) {
  LIST_ENTRY head, a, b, c;
  InitializeListHead(&head);
  CHECK(IsListEmpty(&head));
  InsertTailList(&head, &b);
  InsertHeadList(&head, &a);
  InsertTailList(&head, &c);
  CHECK(head.Flink == &a && a.Flink == &b && b.Flink == &c && c.Flink == &head && head.Blink == &c);
  CHECK(!RemoveEntryList(&b) && a.Flink == &c && c.Blink == &a);
  CHECK(RemoveHeadList(&head) == &a && RemoveTailList(&head) == &c && IsListEmpty(&head));
  InsertTailList(&head, &a);
  InitializeListHead(&b);
  InsertTailList(&b, &c);
  AppendTailList(&head, &b);
  CHECK(a.Flink == &b && b.Flink == &c && c.Flink == &head && head.Blink == &c);
  SINGLE_LIST_ENTRY top = {NULL}, one, two;
  PushEntryList(&top, &one);
  PushEntryList(&top, &two);
  CHECK(PopEntryList(&top) == &two && PopEntryList(&top) == &one && PopEntryList(&top) == NULL);
}

TEST(interlocked) {
  LONG n = 5;
  CHECK(InterlockedIncrement(&n) == 6 && InterlockedDecrement(&n) == 5 && InterlockedAdd(&n, 2) == 7);
  CHECK(InterlockedExchange(&n, 1) == 7 && InterlockedExchangeAdd(&n, 3) == 1 && n == 4);
  CHECK(InterlockedCompareExchange(&n, 9, 4) == 4 && n == 9 && InterlockedCompareExchange(&n, 0, 4) == 9 && n == 9);
  CHECK(InterlockedOr(&n, 2) == 9 && InterlockedAnd(&n, 3) == 11 && InterlockedXor(&n, 1) == 3 && n == 2);
  LONGLONG m = 1ll << 40;
  CHECK(InterlockedIncrement64(&m) == (1ll << 40) + 1 && InterlockedCompareExchange64(&m, 0, 1) != 1);
  PVOID p = &n;
  CHECK(InterlockedExchangePointer(&p, &m) == &n && InterlockedCompareExchangePointer(&p, NULL, &m) == &m && !p);
  LONG bits[2] = {0, 0};
  CHECK(!InterlockedBitTestAndSet(bits, 33) && bits[1] == 2 && InterlockedBitTestAndReset(bits, 33) && !bits[1]);
  KeMemoryBarrier();
}

TEST(memory) {
  UCHAR a[8], b[8];
  RtlFillMemory(a, 8, 7);
  RtlCopyMemory(b, a, 8);
  CHECK(RtlEqualMemory(a, b, 8) && RtlCompareMemory(a, b, 8) == 8);
  b[3] = 0;
  CHECK(RtlCompareMemory(a, b, 8) == 3 && !RtlEqualMemory(a, b, 8));
  RtlMoveMemory(a + 1, a, 7);
  RtlZeroMemory(a, 8);
  CHECK(a[0] == 0 && a[7] == 0 && RtlSecureZeroMemory(b, 8) == b && b[0] == 0);
}

TEST(pool) {
  enum { TAG = 0x74736574 };
  UCHAR *p = (UCHAR *)ExAllocatePoolWithTag(NonPagedPool, 100, TAG);
  CHECK(p && (ULONG_PTR)p % 16 == 0);
  ExFreePoolWithTag(p, TAG);
  p = (UCHAR *)ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_CACHE_ALIGNED, 100, TAG);
  CHECK(p && (ULONG_PTR)p % 64 == 0 && p[0] == 0 && p[99] == 0);
  ExFreePool(p);
  p = (UCHAR *)ExAllocatePoolZero(PagedPool, 1, TAG);
  CHECK(p && p[0] == 0 && reports == 0);
  ExFreePoolWithTag(p, TAG + 1);
  CHECK(reported("ExFreePoolWithTag", "pool"));
  CHECK(ExAllocatePool2(POOL_FLAG_PAGED, 1, 0) == NULL);
  p = (UCHAR *)ExAllocatePool(NonPagedPool, 16);
  CHECK(p != NULL);
  ExFreePool(p);
  ExFreePool(NULL);
  CHECK(reported("ExFreePool", "pool"));
  KIRQL level = KeRaiseIrqlToDpcLevel();
  CHECK(ExAllocatePoolWithTag(PagedPool, 1, TAG) == NULL && reported("ExAllocatePoolWithTag", "4.6"));
  KeLowerIrql(level);
}

// The text that DbgPrint writes, read from standard error through a pipe.
TEST(output) {
  int ends[2], kept = dup(2);
  CHECK(pipe(ends) == 0);
  dup2(ends[1], 2);
  WCHAR text[] = {'w', 'i', 'd', 'e', 0};
  UNICODE_STRING string = {4, 6, text};
  DbgPrint("%ld %lx %I64d %Iu %s %wZ %ws %04x %c%%\n", (LONG)-5, (ULONG)0xfe, 1ll << 40, (SIZE_T)3, "s", &string,
           text, 0x1fu, 'c');
  DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, "%08lX", (ULONG)0xabc);
  dup2(kept, 2);
  close(kept);
  close(ends[1]);
  char line[200] = "";
  ssize_t length = read(ends[0], line, sizeof line - 1);
  close(ends[0]);
  CHECK(length > 0 && strcmp(line, "-5 fe 1099511627776 3 s wi wide 001f c%\n00000ABC") == 0);
}

TEST(assertions) {
  ASSERT(1 == 1);
  NT_ASSERT(1 == 1);
  CHECK(reports == 0);
  ASSERT(1 == 2);
  CHECK(reported("ASSERT", "the driver's own"));
  PAGED_CODE();
  CHECK(reports == 0);
  KIRQL level;
  KeRaiseIrql(DISPATCH_LEVEL, &level);
  PAGED_CODE();
  CHECK(reported("PAGED_CODE", "S17"));
  KeLowerIrql(level);
  KdPrint(("%s", ""));
}

TEST(time_passes) {
  LARGE_INTEGER frequency, start = KeQueryPerformanceCounter(&frequency);
  CHECK(frequency.QuadPart == 1000000000);
  ULONGLONG units = KeQueryInterruptTime();
  KeStallExecutionProcessor(200);
  CHECK(KeQueryPerformanceCounter(NULL).QuadPart - start.QuadPart >= 200000);
  CHECK(KeQueryInterruptTime() - units >= 2000);
}

TEST(registers) {
  PDEVICE_OBJECT device = software_device(0);
  PCM_PARTIAL_RESOURCE_DESCRIPTOR entry = resource(device, CmResourceTypeMemory, 0);
  CHECK(entry && entry->u.Memory.Length == 4096);
  UCHAR *base = (UCHAR *)MmMapIoSpace(entry->u.Memory.Start, entry->u.Memory.Length, MmNonCached);
  CHECK(base != NULL);
  WRITE_REGISTER_ULONG((PULONG)(PVOID)base, 0x11223344);
  CHECK(READ_REGISTER_ULONG((PULONG)(PVOID)base) == 0x11223344);
  WRITE_REGISTER_USHORT((PUSHORT)(PVOID)(base + 4), 0x5566);
  CHECK(READ_REGISTER_USHORT((PUSHORT)(PVOID)(base + 4)) == 0x5566);
  WRITE_REGISTER_UCHAR(base + 6, 0x77);
  CHECK(READ_REGISTER_UCHAR(base + 6) == 0x77);
  WRITE_REGISTER_ULONG64((PULONG64)(PVOID)(base + 8), 1ull << 60);
  CHECK(READ_REGISTER_ULONG64((PULONG64)(PVOID)(base + 8)) == 1ull << 60);
  UCHAR out[3] = {1, 2, 3}, in[3];
  WRITE_REGISTER_BUFFER_UCHAR(base + 16, out, 3);
  READ_REGISTER_BUFFER_UCHAR(base + 16, in, 3);
  CHECK(RtlEqualMemory(in, out, 3));
  PHYSICAL_ADDRESS middle = entry->u.Memory.Start;
  middle.QuadPart += 16;
  UCHAR *part = (UCHAR *)MmMapIoSpace(middle, 8, MmNonCached);
  CHECK(part == base + 16);
  MmUnmapIoSpace(part, 8);
  MmUnmapIoSpace(base, 4096);
  CHECK(reports == 0);
  middle.QuadPart += 4080;
  CHECK(MmMapIoSpace(middle, 1, MmNonCached) == NULL && reported("MmMapIoSpace", "L8"));
  MmUnmapIoSpace(&middle, 8);
  CHECK(reported("MmUnmapIoSpace", "L8"));
  InterruptSyncDeleteDevice(device);
}

TEST(ports) {
  PDEVICE_OBJECT device = software_device(0);
  PCM_PARTIAL_RESOURCE_DESCRIPTOR entry = resource(device, CmResourceTypePort, 0);
  CHECK(entry && entry->u.Port.Length == 16 && (entry->Flags & CM_RESOURCE_PORT_IO));
  PUCHAR base = (PUCHAR)(ULONG_PTR)entry->u.Port.Start.QuadPart;
  WRITE_PORT_UCHAR(base, 0x12);
  WRITE_PORT_USHORT((PUSHORT)(PVOID)(base + 2), 0x3456);
  WRITE_PORT_ULONG((PULONG)(PVOID)(base + 4), 0x789abcde);
  CHECK(READ_PORT_UCHAR(base) == 0x12 && READ_PORT_USHORT((PUSHORT)(PVOID)(base + 2)) == 0x3456);
  CHECK(READ_PORT_ULONG((PULONG)(PVOID)(base + 4)) == 0x789abcde);
  UCHAR bytes[2] = {5, 6};
  WRITE_PORT_BUFFER_UCHAR(base + 8, bytes, 2);
  READ_PORT_BUFFER_UCHAR(base + 8, bytes, 2);
  CHECK(bytes[0] == 6 && bytes[1] == 6 && reports == 0);
  CHECK(READ_PORT_UCHAR(base + 16) == 0xff && reported("READ_PORT_UCHAR", "L8"));
  InterruptSyncDeleteDevice(device);
  WRITE_PORT_UCHAR(base, 1);
  CHECK(reported("WRITE_PORT_UCHAR", "L8"));
}

TEST(devices) {
  PDEVICE_OBJECT device = software_device(2);
  CHECK(device && device->DeviceExtension && *(char *)device->DeviceExtension == 0);
  PCM_RESOURCE_LIST list = InterruptSyncTranslatedResources(device);
  CHECK(list->Count == 1 && list->List[0].PartialResourceList.Count == 4);
  PCM_PARTIAL_RESOURCE_DESCRIPTOR a = resource(device, CmResourceTypeInterrupt, 0);
  PCM_PARTIAL_RESOURCE_DESCRIPTOR b = resource(device, CmResourceTypeInterrupt, 1);
  CHECK(a && b && a->u.Interrupt.Vector != b->u.Interrupt.Vector && a->u.Interrupt.Level > DISPATCH_LEVEL);
  CHECK(a->Flags == CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE && a->ShareDisposition == CmResourceShareShared);
  CHECK(InterruptSyncUntranslatedResources(device)->List[0].PartialResourceList.Count == 4);
  CHECK(InterruptSyncTriggerInterrupt(device, 2) == STATUS_INVALID_PARAMETER);
  CHECK(InterruptSyncSetBusMaster(device, TRUE) == STATUS_NOT_SUPPORTED);
  CHECK(reported("InterruptSyncSetBusMaster", "N16"));
  CHECK(InterruptSyncSetBusMaster(NULL, TRUE) == STATUS_INVALID_PARAMETER);
  KIRQL level = KeRaiseIrqlToDpcLevel();
  CHECK(InterruptSyncSetBusMaster(device, TRUE) == STATUS_INVALID_DEVICE_STATE);
  CHECK(reported("InterruptSyncSetBusMaster", "4.6"));
  KeLowerIrql(level);
  InterruptSyncDeleteDevice(device);
  CHECK(InterruptSyncCreateDevice("uio4711", 0, &device) == STATUS_NOT_FOUND && !device);
  CHECK(reported("InterruptSyncCreateDevice", "N16"));
  CHECK(InterruptSyncCreateDevice("", 0, &device) == STATUS_INVALID_PARAMETER && !device);
  INTERRUPTSYNC_SOFTWARE_DEVICE description;
  INTERRUPTSYNC_SOFTWARE_DEVICE_INIT(&description, 1);
  description.Size = 1;
  CHECK(InterruptSyncCreateSoftwareDevice(&description, 0, &device) == STATUS_INFO_LENGTH_MISMATCH);
  CHECK(!InterruptSyncIsChecked());
}
