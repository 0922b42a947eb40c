// Races: calls of several threads that meet. Compiled as C and as C++.
#include "check.h"

static KSERVICE_ROUTINE serve;
static KSYNCHRONIZE_ROUTINE count;

static BOOLEAN serve(PKINTERRUPT interrupt, PVOID context) {
  (void)interrupt, (void)context;
  return TRUE;
}

typedef struct {
  PKINTERRUPT interrupt;
  ULONG64 counted;
  LONG64 returned;
  LONG started, ended;
} race;

// Plain memory: what the lock excludes needs no more.
static BOOLEAN count(PVOID context) {
  ((race *)context)->counted++;
  return TRUE;
}

static void *synchronize_until_the_end(void *context) {
  race *shared = (race *)context;
  InterlockedIncrement(&shared->started);
  while (KeSynchronizeExecution(shared->interrupt, count, shared)) InterlockedIncrement64(&shared->returned);
  InterlockedIncrement(&shared->ended);
  return NULL;
}

static NTSTATUS connect(PDEVICE_OBJECT device, PKINTERRUPT *interrupt) {
  IO_CONNECT_INTERRUPT_PARAMETERS parameters;
  RtlZeroMemory(&parameters, sizeof parameters);
  parameters.Version = CONNECT_LINE_BASED;
  parameters.LineBased.PhysicalDeviceObject = device;
  parameters.LineBased.InterruptObject = interrupt;
  parameters.LineBased.ServiceRoutine = serve;
  return IoConnectInterruptEx(&parameters);
}

// A call that meets the disconnect either runs under the lock or is refused (N14), and none is lost or run twice.
TEST(N14_calls_that_meet_a_disconnect) {
  for (int round = 0; round < 50; round++) {
    PDEVICE_OBJECT device = software_device(1);
    race shared;
    RtlZeroMemory(&shared, sizeof shared);
    CHECK(connect(device, &shared.interrupt) == STATUS_SUCCESS);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, synchronize_until_the_end, &shared);
    while (InterlockedCompareExchange(&shared.started, 0, 0) < 2 ||
           InterlockedCompareExchange64(&shared.returned, 0, 0) < 100)
      KeStallExecutionProcessor(1);
    IoDisconnectInterrupt(shared.interrupt);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    CHECK(shared.ended == 2 && shared.counted == (ULONG64)shared.returned);
    CHECK(reports == 2 && strcmp(last_rule, "N14") == 0);
    forget_reports();
    InterruptSyncDeleteDevice(device);
  }
}
