// Messages: one call connects all of a device's (K8, K14), and each WDFINTERRUPT takes one (W3, W13). Compiled as C and
// as C++. Messages of a real device: Tests/Hardware/programs/messages.c in the guests.
#include "wdf_fixture.h"

enum { MESSAGES = 3 };

typedef struct source {
  PDEVICE_OBJECT device;
  PIO_INTERRUPT_MESSAGE_INFO table;
  sem_t served, second;
  LONG calls[MESSAGES], inside, overlaps, strangers;
  KIRQL level;
  BOOLEAN first_waits_for_second, first_calls_second;
} source;

static BOOLEAN yes(PVOID context) {
  (void)context;
  return TRUE;
}

static BOOLEAN serve(PKINTERRUPT interrupt, PVOID context, ULONG message) {
  source *s = (source *)context;
  if (message >= MESSAGES || interrupt != s->table->MessageInfo[message].InterruptObject) {
    s->strangers++;
    return FALSE;
  }
  if (InterlockedIncrement(&s->inside) != 1) InterlockedIncrement(&s->overlaps);
  if (message == 0 && s->first_waits_for_second) sem_wait(&s->second);
  if (message == 0 && s->first_calls_second)
    CHECK(!KeSynchronizeExecution(s->table->MessageInfo[1].InterruptObject, yes, NULL));
  s->calls[message]++;
  s->level = KeGetCurrentIrql();
  InterlockedDecrement(&s->inside);
  if (message == 1) sem_post(&s->second);
  sem_post(&s->served);
  return TRUE;
}

static BOOLEAN serve_line(PKINTERRUPT interrupt, PVOID context) {
  (void)interrupt, (void)context;
  return FALSE;
}

static void begin_messages(source *s) {
  RtlZeroMemory(s, sizeof *s);
  s->device = message_device(MESSAGES);
  sem_init(&s->served, 0, 0);
  sem_init(&s->second, 0, 0);
}

static NTSTATUS connect_messages(source *s, PKSPIN_LOCK lock) {
  IO_CONNECT_INTERRUPT_PARAMETERS p;
  RtlZeroMemory(&p, sizeof p);
  p.Version = CONNECT_MESSAGE_BASED;
  p.MessageBased.PhysicalDeviceObject = s->device;
  p.MessageBased.ConnectionContext.InterruptMessageTable = &s->table;
  p.MessageBased.MessageServiceRoutine = serve;
  p.MessageBased.FallBackServiceRoutine = serve_line;
  p.MessageBased.ServiceContext = s;
  p.MessageBased.SpinLock = lock;
  NTSTATUS status = IoConnectInterruptEx(&p);
  CHECK(p.Version == CONNECT_MESSAGE_BASED);
  return status;
}

static void disconnect_messages(source *s) {
  IO_DISCONNECT_INTERRUPT_PARAMETERS d;
  d.Version = CONNECT_MESSAGE_BASED;
  d.ConnectionContext.InterruptMessageTable = s->table;
  IoDisconnectInterruptEx(&d);
}

static void end_messages(source *s) {
  CHECK(s->strangers == 0);
  InterruptSyncDeleteDevice(s->device);
}

static void raise_message(source *s, ULONG message) {
  CHECK(InterruptSyncTriggerInterrupt(s->device, message) == STATUS_SUCCESS);
}

static KIRQL highest_level(source *s) {
  ULONG highest = 0;
  for (ULONG i = 0; i < MESSAGES; i++) {
    PCM_PARTIAL_RESOURCE_DESCRIPTOR entry = resource(s->device, CmResourceTypeInterrupt, i);
    CHECK(entry->Flags == (CM_RESOURCE_INTERRUPT_MESSAGE | CM_RESOURCE_INTERRUPT_LATCHED));
    if (entry->u.Interrupt.Level > highest) highest = entry->u.Interrupt.Level;
  }
  return (KIRQL)highest;
}

TEST(K14_each_message_calls_the_routine_with_its_index) {
  source s;
  begin_messages(&s);
  CHECK(connect_messages(&s, NULL) == STATUS_SUCCESS);
  CHECK(s.table->MessageCount == MESSAGES && s.table->UnifiedIrql == highest_level(&s));
  for (ULONG i = 0; i < MESSAGES; i++) {
    PCM_PARTIAL_RESOURCE_DESCRIPTOR entry = resource(s.device, CmResourceTypeInterrupt, i);
    IO_INTERRUPT_MESSAGE_INFO_ENTRY *message = &s.table->MessageInfo[i];
    CHECK(message->Vector == entry->u.Interrupt.Vector && message->Irql == entry->u.Interrupt.Level);
    CHECK(message->Mode == Latched);
    for (ULONG round = 0; round <= i; round++) {
      raise_message(&s, i);
      sem_wait(&s.served);
      CHECK(s.level == message->Irql);
    }
  }
  CHECK(s.calls[0] == 1 && s.calls[1] == 2 && s.calls[2] == 3);
  PKINTERRUPT second = s.table->MessageInfo[1].InterruptObject;
  CHECK(KeSynchronizeExecution(second, yes, NULL));
  disconnect_messages(&s);
  CHECK(reports == 0 && !KeSynchronizeExecution(second, yes, NULL) && reported("KeSynchronizeExecution", "N14"));
  // The vectors are free again.
  CHECK(connect_messages(&s, NULL) == STATUS_SUCCESS);
  disconnect_messages(&s);
  CHECK(reports == 0);
  end_messages(&s);
}

TEST(K8_messages_have_a_lock_each) {
  source s;
  begin_messages(&s);
  s.first_waits_for_second = TRUE;
  CHECK(connect_messages(&s, NULL) == STATUS_SUCCESS);
  raise_message(&s, 0);
  // The first one's routine ends only after the second one's.
  raise_message(&s, 1);
  sem_wait(&s.served);
  sem_wait(&s.served);
  CHECK(s.calls[0] == 1 && s.calls[1] == 1 && reports == 0);
  disconnect_messages(&s);
  end_messages(&s);
}

static void *raise_often(void *context) {
  source *s = (source *)context;
  for (ULONG i = 0; i < 3000; i++) raise_message(s, i % MESSAGES);
  return NULL;
}

TEST(K7_messages_with_a_spin_lock_exclude_one_another) {
  source s;
  KSPIN_LOCK lock;
  begin_messages(&s);
  KeInitializeSpinLock(&lock);
  CHECK(connect_messages(&s, &lock) == STATUS_SUCCESS);
  for (ULONG i = 0; i < MESSAGES; i++) CHECK(s.table->MessageInfo[i].Irql == s.table->UnifiedIrql);
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, raise_often, &s);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  for (ULONG i = 0; i < MESSAGES; i++) sem_wait(&s.served);
  disconnect_messages(&s);
  CHECK(s.overlaps == 0 && s.inside == 0 && s.level == highest_level(&s) && reports == 0);
  end_messages(&s);
}

TEST(N4_inside_one_messages_routine_the_spin_lock_of_all_is_held) {
  source s;
  KSPIN_LOCK lock;
  begin_messages(&s);
  s.first_calls_second = TRUE;
  KeInitializeSpinLock(&lock);
  CHECK(connect_messages(&s, &lock) == STATUS_SUCCESS);
  raise_message(&s, 0);
  sem_wait(&s.served);
  disconnect_messages(&s);
  CHECK(reported("KeSynchronizeExecution", "N4"));
  end_messages(&s);
}

TEST(K15_several_messages_are_no_line) {
  source s;
  PKINTERRUPT interrupt = NULL;
  IO_CONNECT_INTERRUPT_PARAMETERS p;
  begin_messages(&s);
  RtlZeroMemory(&p, sizeof p);
  p.Version = CONNECT_LINE_BASED;
  p.LineBased.PhysicalDeviceObject = s.device;
  p.LineBased.InterruptObject = &interrupt;
  p.LineBased.ServiceRoutine = serve_line;
  CHECK(IoConnectInterruptEx(&p) == STATUS_INVALID_DEVICE_REQUEST && !interrupt);
  p.Version = CONNECT_MESSAGE_BASED;
  p.MessageBased.MessageServiceRoutine = NULL;
  CHECK(IoConnectInterruptEx(&p) == STATUS_INVALID_PARAMETER && reports == 0);
  end_messages(&s);
}

// All or none: the second message is taken.
TEST(K14_a_message_that_is_connected_already_leaves_none_connected) {
  source s;
  PKINTERRUPT taken = NULL;
  begin_messages(&s);
  PCM_PARTIAL_RESOURCE_DESCRIPTOR entry = resource(s.device, CmResourceTypeInterrupt, 1);
  KIRQL irql = (KIRQL)entry->u.Interrupt.Level;
  CHECK(IoConnectInterrupt(&taken, serve_line, NULL, NULL, entry->u.Interrupt.Vector, irql, irql, Latched, FALSE, 1,
                           FALSE) == STATUS_SUCCESS);
  CHECK(connect_messages(&s, NULL) == STATUS_DEVICE_BUSY && !s.table);
  forget_reports();
  IoDisconnectInterrupt(taken);
  CHECK(connect_messages(&s, NULL) == STATUS_SUCCESS);
  disconnect_messages(&s);
  CHECK(reports == 0);
  end_messages(&s);
}

TEST(N14_a_table_that_has_ended_is_reported) {
  source s;
  begin_messages(&s);
  CHECK(connect_messages(&s, NULL) == STATUS_SUCCESS);
  disconnect_messages(&s);
  CHECK(reports == 0);
  disconnect_messages(&s);
  CHECK(reported("IoDisconnectInterruptEx", "N14"));
  end_messages(&s);
}

TEST(K10_a_table_is_a_table_whatever_version_the_call_says) {
  source s;
  begin_messages(&s);
  CHECK(connect_messages(&s, NULL) == STATUS_SUCCESS);
  IO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS p;
  p.Version = CONNECT_LINE_BASED;
  p.ConnectionContext.InterruptMessageTable = s.table;
  IoReportInterruptInactive(&p);
  CHECK(reported("IoReportInterruptInactive", "K10"));
  IoReportInterruptActive(&p);
  CHECK(reported("IoReportInterruptActive", "K10"));
  raise_message(&s, 2);
  sem_wait(&s.served);
  IO_DISCONNECT_INTERRUPT_PARAMETERS d;
  d.Version = CONNECT_LINE_BASED;
  d.ConnectionContext.InterruptMessageTable = s.table;
  IoDisconnectInterruptEx(&d);
  CHECK(reported("IoDisconnectInterruptEx", "K10"));
  // The vectors are free.
  CHECK(connect_messages(&s, NULL) == STATUS_SUCCESS);
  disconnect_messages(&s);
  CHECK(reports == 0);
  end_messages(&s);
}

// Another user has the vector by the time that the rest of the messages is disconnected, and keeps it.
TEST(N14_a_message_that_was_disconnected_alone_is_not_disconnected_again) {
  source s;
  PKINTERRUPT first = NULL, second = NULL;
  begin_messages(&s);
  CHECK(connect_messages(&s, NULL) == STATUS_SUCCESS);
  PCM_PARTIAL_RESOURCE_DESCRIPTOR entry = resource(s.device, CmResourceTypeInterrupt, 1);
  ULONG vector = entry->u.Interrupt.Vector;
  KIRQL irql = (KIRQL)entry->u.Interrupt.Level;
  IoDisconnectInterrupt(s.table->MessageInfo[1].InterruptObject);
  CHECK(IoConnectInterrupt(&first, serve_line, NULL, NULL, vector, irql, irql, Latched, FALSE, 1, FALSE) ==
        STATUS_SUCCESS);
  disconnect_messages(&s);
  CHECK(reports == 0);
  CHECK(IoConnectInterrupt(&second, serve_line, NULL, NULL, vector, irql, irql, Latched, FALSE, 1, FALSE) ==
        STATUS_DEVICE_BUSY);
  forget_reports();
  IoDisconnectInterrupt(first);
  CHECK(reports == 0);
  end_messages(&s);
}

// K18: for all messages at once.
TEST(K18_messages_are_inactive_and_active_again) {
  source s;
  begin_messages(&s);
  CHECK(connect_messages(&s, NULL) == STATUS_SUCCESS);
  IO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS p;
  p.Version = CONNECT_MESSAGE_BASED;
  p.ConnectionContext.InterruptMessageTable = s.table;
  IoReportInterruptInactive(&p);
  for (ULONG i = 0; i < MESSAGES; i++) raise_message(&s, i);
  IoReportInterruptActive(&p);
  for (ULONG i = 0; i < MESSAGES; i++) {
    raise_message(&s, i);
    sem_wait(&s.served);
  }
  disconnect_messages(&s);
  CHECK(reports == 0);
  end_messages(&s);
}

static WDFINTERRUPT interrupts[MESSAGES];
static LONG framework_calls[MESSAGES];
static sem_t framework_served;

static BOOLEAN framework_isr(WDFINTERRUPT interrupt, ULONG message) {
  CHECK(message < MESSAGES && interrupt == interrupts[message]);
  framework_calls[message]++;
  sem_post(&framework_served);
  return TRUE;
}

static NTSTATUS create_interrupts(WDFDEVICE device) {
  for (int i = 0; i < MESSAGES; i++) {
    WDF_INTERRUPT_CONFIG config;
    WDF_INTERRUPT_CONFIG_INIT(&config, framework_isr, NULL);
    CHECK(WdfInterruptCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, &interrupts[i]) == STATUS_SUCCESS);
  }
  return STATUS_SUCCESS;
}

TEST(W13_each_interrupt_of_the_framework_has_a_message) {
  begin(), plan.on_add = create_interrupts;
  sem_init(&framework_served, 0, 0);
  pdo = message_device(MESSAGES);
  CHECK(InterruptSyncLoadDriver(driver_entry, "fixture", &driver_object) == STATUS_SUCCESS);
  CHECK(InterruptSyncAddDevice(driver_object, pdo) == STATUS_SUCCESS);
  CHECK(InterruptSyncStartDevice(pdo) == STATUS_SUCCESS);
  for (ULONG i = 0; i < MESSAGES; i++) {
    WDF_INTERRUPT_INFO info;
    WDF_INTERRUPT_INFO_INIT(&info);
    WdfInterruptGetInfo(interrupts[i], &info);
    CHECK(info.MessageSignaled && info.MessageNumber == i && info.Mode == Latched);
    CHECK(InterruptSyncTriggerInterrupt(pdo, i) == STATUS_SUCCESS);
    sem_wait(&framework_served);
    CHECK(framework_calls[i] == 1);
  }
  CHECK(reports == 0);
  end();
}
