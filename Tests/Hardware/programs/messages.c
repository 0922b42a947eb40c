// A switch with four messages behind vfio-pci, driven as on Windows: CONNECT_MESSAGE_BASED with a lock each and with one
// for all, then four WDFINTERRUPTs. The program says what it saw and ends with 0 if that is right.
#define _GNU_SOURCE
#include <wdf.h>
#include <wdm.h>

#include <interruptsync_windows.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MESSAGES = 4, COUNT = 200, RAISE = 0x20 };

static sem_t served[MESSAGES];
static LONG inside, overlaps, strangers;
static PIO_INTERRUPT_MESSAGE_INFO table;
static WDFINTERRUPT interrupts[MESSAGES];
static PUCHAR registers;

static void check(int holds, const char *what, int line) {
  if (holds) return;
  printf("line %d: not so: %s\n", line, what);
  exit(1);
}
#define CHECK(condition) check(condition, #condition, __LINE__)

static void came(ULONG message, int is_own) {
  if (InterlockedIncrement(&inside) != 1) InterlockedIncrement(&overlaps);
  if (!is_own) InterlockedIncrement(&strangers);
  InterlockedDecrement(&inside);
  sem_post(&served[message % MESSAGES]);
}

static BOOLEAN serve(PKINTERRUPT interrupt, PVOID context, ULONG message) {
  (void)context;
  came(message, message < MESSAGES && table->MessageInfo[message].InterruptObject == interrupt);
  return TRUE;
}

static BOOLEAN framework_isr(WDFINTERRUPT interrupt, ULONG message) {
  came(message, message < MESSAGES && interrupts[message] == interrupt);
  return TRUE;
}

static void wait_for(ULONG message) {
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += 60;
  CHECK(sem_timedwait(&served[message], &end) == 0);
}

// Each vector is dispatched once when it is connected (K21); then one message after the other.
static void exchange(const char *how) {
  for (ULONG i = 0; i < MESSAGES; i++) wait_for(i);
  for (ULONG i = 0; i < COUNT * MESSAGES; i++) {
    WRITE_REGISTER_ULONG((PULONG)(void *)(registers + RAISE), i % MESSAGES);
    wait_for(i % MESSAGES);
  }
  CHECK(strangers == 0);
  printf("%s: %d of %d messages on each vector\n", how, COUNT, COUNT);
}

static void by_wdm(PDEVICE_OBJECT device, PKSPIN_LOCK lock, const char *how) {
  IO_CONNECT_INTERRUPT_PARAMETERS parameters;
  RtlZeroMemory(&parameters, sizeof parameters);
  parameters.Version = CONNECT_MESSAGE_BASED;
  parameters.MessageBased.PhysicalDeviceObject = device;
  parameters.MessageBased.ConnectionContext.InterruptMessageTable = &table;
  parameters.MessageBased.MessageServiceRoutine = serve;
  parameters.MessageBased.SpinLock = lock;
  CHECK(IoConnectInterruptEx(&parameters) == STATUS_SUCCESS);
  CHECK(parameters.Version == CONNECT_MESSAGE_BASED && table->MessageCount == MESSAGES);
  exchange(how);
  IO_DISCONNECT_INTERRUPT_PARAMETERS end;
  end.Version = CONNECT_MESSAGE_BASED;
  end.ConnectionContext.InterruptMessageTable = table;
  IoDisconnectInterruptEx(&end);
}

static NTSTATUS device_add(WDFDRIVER driver, PWDFDEVICE_INIT init) {
  WDFDEVICE device;
  (void)driver;
  CHECK(WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &device) == STATUS_SUCCESS);
  for (int i = 0; i < MESSAGES; i++) {
    WDF_INTERRUPT_CONFIG config;
    WDF_INTERRUPT_CONFIG_INIT(&config, framework_isr, NULL);
    CHECK(WdfInterruptCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, &interrupts[i]) == STATUS_SUCCESS);
  }
  return STATUS_SUCCESS;
}

static NTSTATUS driver_entry(PDRIVER_OBJECT object, PUNICODE_STRING path) {
  WDF_DRIVER_CONFIG config;
  WDF_DRIVER_CONFIG_INIT(&config, device_add);
  return WdfDriverCreate(object, path, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}

static void by_wdf(PDEVICE_OBJECT device) {
  PDRIVER_OBJECT driver = NULL;
  CHECK(InterruptSyncLoadDriver(driver_entry, "messages", &driver) == STATUS_SUCCESS);
  CHECK(InterruptSyncAddDevice(driver, device) == STATUS_SUCCESS);
  CHECK(InterruptSyncStartDevice(device) == STATUS_SUCCESS);
  for (ULONG i = 0; i < MESSAGES; i++) {
    WDF_INTERRUPT_INFO info;
    WDF_INTERRUPT_INFO_INIT(&info);
    WdfInterruptGetInfo(interrupts[i], &info);
    CHECK(info.MessageSignaled && info.MessageNumber == i);
  }
  exchange("framework");
  CHECK(InterruptSyncRemoveDevice(device) == STATUS_SUCCESS);
  CHECK(InterruptSyncUnloadDriver(driver) == STATUS_SUCCESS);
}

int main(int count, char **arguments) {
  PDEVICE_OBJECT device = NULL;
  KSPIN_LOCK lock;
  if (count < 2) return 2;
  for (int i = 0; i < MESSAGES; i++) sem_init(&served[i], 0, 0);
  CHECK(InterruptSyncCreateDevice(arguments[1], 0, &device) == STATUS_SUCCESS);
  PCM_PARTIAL_RESOURCE_LIST list = &InterruptSyncTranslatedResources(device)->List[0].PartialResourceList;
  for (ULONG i = 0; i < list->Count && !registers; i++)
    if (list->PartialDescriptors[i].Type == CmResourceTypeMemory)
      registers = (PUCHAR)MmMapIoSpace(list->PartialDescriptors[i].u.Memory.Start,
                                       list->PartialDescriptors[i].u.Memory.Length, MmNonCached);
  CHECK(registers != NULL);
  by_wdm(device, NULL, "a lock each");
  overlaps = 0;
  KeInitializeSpinLock(&lock);
  by_wdm(device, &lock, "one lock");
  CHECK(overlaps == 0);
  by_wdf(device);
  InterruptSyncDeleteDevice(device);
  printf("every message came to its routine\n");
  return 0;
}
