// The edu's engine behind vfio-pci, driven as on Windows: its bytes go out of one common buffer and come back into another
// one, and each end is a message. First with WDM, then with the framework. Then what refuses a common buffer: the limit of
// locked memory, and a device of UIO whose addresses an IOMMU translates. The program says what it saw and ends with 0 if
// that is right.
#define _GNU_SOURCE
#include <wdf.h>
#include <wdm.h>

#include <interruptsync_windows.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { STATUS = 0x24, ACKNOWLEDGE = 0x64, SOURCE = 0x80, TARGET = 0x88, LENGTH = 0x90, COMMAND = 0x98 };
// The edu's own memory, from the engine's side. An engine that ends exactly at its end is QEMU's end, too.
enum { INSIDE = 0x40000, BYTES = 4000, ROUNDS = 20, ADDRESS_BITS = 28, LARGE = 1 << 20 };

static sem_t served;
static PUCHAR registers;
static WDFDEVICE framework_device;
static char last_report[512];
// Memory, as each side finds it.
typedef struct shared {
  PUCHAR bytes;
  PHYSICAL_ADDRESS logical;
} shared;

static void check(int holds, const char *what, int line) {
  if (holds) return;
  printf("line %d: not so: %s (%s)\n", line, what, last_report);
  exit(1);
}
#define CHECK(condition) check(condition, #condition, __LINE__)
#define CHECK_REPORTED(words) CHECK(strstr(last_report, words) != NULL)

static void report_came(PVOID context, PCSTR call, PCSTR rule, PCSTR message) {
  (void)context;
  snprintf(last_report, sizeof last_report, "%s [%s]: %s", call, rule, message);
}

static ULONG read32(ULONG offset) { return READ_REGISTER_ULONG((PULONG)(void *)(registers + offset)); }
static void write32(ULONG offset, ULONG value) { WRITE_REGISTER_ULONG((PULONG)(void *)(registers + offset), value); }
static void write64(ULONG offset, ULONG64 value) { WRITE_REGISTER_ULONG64((PULONG64)(void *)(registers + offset), value); }

static BOOLEAN acknowledge(void) {
  ULONG status = read32(STATUS);
  // The dispatch after connect finds nothing (K21).
  if (status == 0) return FALSE;
  write32(ACKNOWLEDGE, status);
  sem_post(&served);
  return TRUE;
}

// Has the engine move bytes, and waits for its message.
static void move(ULONG64 source, ULONG64 target) {
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += 60;
  write64(SOURCE, source);
  write64(TARGET, target);
  write64(LENGTH, BYTES);
  write64(COMMAND, 1 | 4 | (source == INSIDE ? 2 : 0));
  CHECK(sem_timedwait(&served, &end) == 0);
}

static void exchange(shared out, shared in, const char *how) {
  CHECK(out.bytes && in.bytes && out.logical.QuadPart != in.logical.QuadPart);
  CHECK(in.logical.QuadPart + BYTES <= 1 << ADDRESS_BITS);
  for (int round = 1; round <= ROUNDS; round++) {
    for (int i = 0; i < BYTES; i++) out.bytes[i] = (UCHAR)(i * round + round);
    KeMemoryBarrier();
    move((ULONG64)out.logical.QuadPart, INSIDE);
    move(INSIDE, (ULONG64)in.logical.QuadPart);
    KeMemoryBarrier();
    CHECK(RtlEqualMemory(out.bytes, in.bytes, BYTES));
  }
  printf("%s: the engine moved the bytes %d times\n", how, ROUNDS);
}

static PUCHAR mapped(PCM_PARTIAL_RESOURCE_DESCRIPTOR entry) {
  CHECK(entry->Type == CmResourceTypeMemory);
  return (PUCHAR)MmMapIoSpace(entry->u.Memory.Start, entry->u.Memory.Length, MmNonCached);
}

static void find_registers(PDEVICE_OBJECT device) {
  PCM_PARTIAL_RESOURCE_LIST list = &InterruptSyncTranslatedResources(device)->List[0].PartialResourceList;
  for (ULONG i = 0; i < list->Count && !registers; i++)
    if (list->PartialDescriptors[i].Type == CmResourceTypeMemory) registers = mapped(&list->PartialDescriptors[i]);
  CHECK(registers != NULL);
  write32(ACKNOWLEDGE, 0xffffffff);
}

// Root is exempt from the limit, so the process is someone else for a moment.
static void limit_locked_memory(BOOLEAN on) {
  static struct rlimit before;
  if (!on) {
    CHECK(seteuid(0) == 0 && setrlimit(RLIMIT_MEMLOCK, &before) == 0);
    return;
  }
  CHECK(getrlimit(RLIMIT_MEMLOCK, &before) == 0);
  struct rlimit small = {.rlim_cur = 65536, .rlim_max = before.rlim_max};
  CHECK(setrlimit(RLIMIT_MEMLOCK, &small) == 0 && seteuid(65534) == 0);
}

// WDM.

static DEVICE_DESCRIPTION description(void) {
  DEVICE_DESCRIPTION d;
  RtlZeroMemory(&d, sizeof d);
  d.Version = DEVICE_DESCRIPTION_VERSION3;
  d.Master = TRUE;
  d.DmaAddressWidth = ADDRESS_BITS;
  d.InterfaceType = PCIBus;
  d.MaximumLength = BYTES;
  return d;
}

static BOOLEAN serve(PKINTERRUPT interrupt, PVOID context, ULONG message) {
  (void)interrupt, (void)context;
  CHECK(message == 0);
  return acknowledge();
}

static PIO_INTERRUPT_MESSAGE_INFO connected(PDEVICE_OBJECT device) {
  static PIO_INTERRUPT_MESSAGE_INFO table;
  IO_CONNECT_INTERRUPT_PARAMETERS parameters;
  RtlZeroMemory(&parameters, sizeof parameters);
  parameters.Version = CONNECT_MESSAGE_BASED;
  parameters.MessageBased.PhysicalDeviceObject = device;
  parameters.MessageBased.ConnectionContext.InterruptMessageTable = &table;
  parameters.MessageBased.MessageServiceRoutine = serve;
  CHECK(IoConnectInterruptEx(&parameters) == STATUS_SUCCESS && parameters.Version == CONNECT_MESSAGE_BASED);
  return table;
}

static shared allocated(PDMA_ADAPTER adapter) {
  shared memory;
  memory.bytes = (PUCHAR)adapter->DmaOperations->AllocateCommonBuffer(adapter, BYTES, &memory.logical, TRUE);
  return memory;
}

static void freed(PDMA_ADAPTER adapter, shared memory) {
  adapter->DmaOperations->FreeCommonBuffer(adapter, BYTES, memory.logical, memory.bytes, TRUE);
}

static void by_wdm(PDEVICE_OBJECT device) {
  DEVICE_DESCRIPTION d = description();
  ULONG map_registers;
  PIO_INTERRUPT_MESSAGE_INFO table = connected(device);
  PDMA_ADAPTER adapter = IoGetDmaAdapter(device, &d, &map_registers);
  CHECK(adapter != NULL);
  shared out = allocated(adapter), in = allocated(adapter);
  exchange(out, in, "WDM");
  // The address of one that is freed is taken again, by other memory.
  freed(adapter, in);
  shared again = allocated(adapter);
  CHECK(again.logical.QuadPart == in.logical.QuadPart && again.bytes[0] == 0);
  freed(adapter, out);
  move(INSIDE, (ULONG64)again.logical.QuadPart);
  CHECK(again.bytes[1] == (UCHAR)(ROUNDS + ROUNDS));
  limit_locked_memory(TRUE);
  PHYSICAL_ADDRESS logical;
  CHECK(!adapter->DmaOperations->AllocateCommonBuffer(adapter, LARGE, &logical, TRUE));
  limit_locked_memory(FALSE);
  CHECK_REPORTED("AllocateCommonBuffer [N16]");
  CHECK_REPORTED("LimitMEMLOCK=");
  freed(adapter, again);
  IO_DISCONNECT_INTERRUPT_PARAMETERS end;
  end.Version = CONNECT_MESSAGE_BASED;
  end.ConnectionContext.InterruptMessageTable = table;
  IoDisconnectInterruptEx(&end);
  adapter->DmaOperations->PutDmaAdapter(adapter);
}

// The framework.

static BOOLEAN framework_isr(WDFINTERRUPT interrupt, ULONG message) {
  (void)interrupt;
  CHECK(message == 0);
  return acknowledge();
}

static NTSTATUS prepare_hardware(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated) {
  (void)device, (void)raw;
  for (ULONG i = 0; i < WdfCmResourceListGetCount(translated); i++) {
    PCM_PARTIAL_RESOURCE_DESCRIPTOR entry = WdfCmResourceListGetDescriptor(translated, i);
    if (entry->Type == CmResourceTypeMemory) registers = mapped(entry);
  }
  write32(ACKNOWLEDGE, 0xffffffff);
  return STATUS_SUCCESS;
}

static NTSTATUS device_add(WDFDRIVER driver, PWDFDEVICE_INIT init) {
  (void)driver;
  WDF_PNPPOWER_EVENT_CALLBACKS callbacks;
  WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&callbacks);
  callbacks.EvtDevicePrepareHardware = prepare_hardware;
  WdfDeviceInitSetPnpPowerEventCallbacks(init, &callbacks);
  CHECK(WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &framework_device) == STATUS_SUCCESS);
  WDFINTERRUPT interrupt;
  WDF_INTERRUPT_CONFIG config;
  WDF_INTERRUPT_CONFIG_INIT(&config, framework_isr, NULL);
  CHECK(WdfInterruptCreate(framework_device, &config, WDF_NO_OBJECT_ATTRIBUTES, &interrupt) == STATUS_SUCCESS);
  return STATUS_SUCCESS;
}

static NTSTATUS driver_entry(PDRIVER_OBJECT object, PUNICODE_STRING path) {
  WDF_DRIVER_CONFIG config;
  WDF_DRIVER_CONFIG_INIT(&config, device_add);
  return WdfDriverCreate(object, path, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}

static NTSTATUS make_enabler(WDFDMAENABLER *enabler) {
  WDF_DMA_ENABLER_CONFIG config;
  WDF_DMA_ENABLER_CONFIG_INIT(&config, WdfDmaProfilePacket, BYTES);
  config.AddressWidthOverride = ADDRESS_BITS;
  return WdfDmaEnablerCreate(framework_device, &config, WDF_NO_OBJECT_ATTRIBUTES, enabler);
}

static shared made(WDFDMAENABLER enabler) {
  WDFCOMMONBUFFER buffer;
  WDF_COMMON_BUFFER_CONFIG config;
  WDF_COMMON_BUFFER_CONFIG_INIT(&config, 0xffff);
  CHECK(WdfCommonBufferCreateWithConfig(enabler, BYTES, &config, WDF_NO_OBJECT_ATTRIBUTES, &buffer) == STATUS_SUCCESS);
  CHECK(WdfCommonBufferGetLength(buffer) == BYTES);
  shared memory = {(PUCHAR)WdfCommonBufferGetAlignedVirtualAddress(buffer),
                   WdfCommonBufferGetAlignedLogicalAddress(buffer)};
  CHECK(memory.logical.QuadPart % 0x10000 == 0);
  return memory;
}

static void by_wdf(void) {
  WDFDMAENABLER enabler;
  WDFCOMMONBUFFER none;
  CHECK(make_enabler(&enabler) == STATUS_SUCCESS);
  shared out = made(enabler), in = made(enabler);
  exchange(out, in, "framework");
  limit_locked_memory(TRUE);
  NTSTATUS status = WdfCommonBufferCreate(enabler, LARGE, WDF_NO_OBJECT_ATTRIBUTES, &none);
  limit_locked_memory(FALSE);
  CHECK(status == STATUS_INSUFFICIENT_RESOURCES && !none);
  CHECK_REPORTED("WdfCommonBufferCreate [N16]");
  CHECK_REPORTED("LimitMEMLOCK=");
}

// Nothing is mapped for the device of UIO.
static void translated(PDEVICE_OBJECT device) {
  DEVICE_DESCRIPTION d = description();
  ULONG map_registers;
  WDFDMAENABLER enabler;
  CHECK(!IoGetDmaAdapter(device, &d, &map_registers));
  CHECK_REPORTED("IoGetDmaAdapter [N29]");
  CHECK_REPORTED("--driver vfio-pci");
  CHECK(make_enabler(&enabler) == STATUS_INSUFFICIENT_RESOURCES && !enabler);
  CHECK_REPORTED("WdfDmaEnablerCreate [N29]");
  printf("UIO: refused\n");
}

static void hosted(PDRIVER_OBJECT driver, PDEVICE_OBJECT device, BOOLEAN is_vfio) {
  CHECK(InterruptSyncAddDevice(driver, device) == STATUS_SUCCESS);
  CHECK(InterruptSyncStartDevice(device) == STATUS_SUCCESS);
  if (is_vfio)
    by_wdf();
  else
    translated(device);
  CHECK(InterruptSyncRemoveDevice(device) == STATUS_SUCCESS);
}

int main(int count, char **arguments) {
  PDEVICE_OBJECT device = NULL, other = NULL;
  PDRIVER_OBJECT driver = NULL;
  if (count < 3) return 2;
  InterruptSyncSetReportRoutine(report_came, NULL);
  sem_init(&served, 0, 0);
  CHECK(InterruptSyncCreateDevice(arguments[1], 0, &device) == STATUS_SUCCESS);
  CHECK(InterruptSyncCreateDevice(arguments[2], 0, &other) == STATUS_SUCCESS);
  find_registers(device);
  by_wdm(device);
  CHECK(InterruptSyncLoadDriver(driver_entry, "common_buffers", &driver) == STATUS_SUCCESS);
  hosted(driver, device, TRUE);
  hosted(driver, other, FALSE);
  CHECK(InterruptSyncUnloadDriver(driver) == STATUS_SUCCESS);
  InterruptSyncDeleteDevice(device);
  InterruptSyncDeleteDevice(other);
  printf("the common buffers had the bytes\n");
  return 0;
}
