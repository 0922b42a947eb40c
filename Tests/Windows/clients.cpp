// Requirements of client drivers: one case for each row of the table in section 5 of docs/semantics.md, which does what
// such a driver does.
#include "portcls.h"

#include <vector>

#include "check.h"

namespace {

// A card: one interrupt, a sync object, and what its routines note.
struct Card {
  PDEVICE_OBJECT device = software_device(1);
  PRESOURCELIST resources = NULL;
  PINTERRUPTSYNC sync = NULL;
  sem_t served;
  std::vector<int> order;
  LONG calls = 0, inside = 0, overlaps = 0;
  bool hasNull = false;

  explicit Card(INTERRUPTSYNCMODE mode = InterruptSyncModeNormal) {
    sem_init(&served, 0, 0);
    CHECK(InterruptSyncNewResourceList(&resources, device) == STATUS_SUCCESS);
    CHECK(PcNewInterruptSync(&sync, NULL, resources, 0, mode) == STATUS_SUCCESS);
  }
  ~Card() {
    if (sync) sync->Release();
    resources->Release();
    InterruptSyncDeleteDevice(device);
    sem_destroy(&served);
  }
  void fire() {
    InterruptSyncTriggerInterrupt(device, 0);
    sem_wait(&served);
  }

  static NTSTATUS Isr(PINTERRUPTSYNC sync, PVOID context) {
    Card *card = static_cast<Card *>(context);
    if (InterlockedIncrement(&card->inside) != 1) card->overlaps++;
    card->hasNull |= sync == NULL || sync != card->sync;
    card->calls++;
    InterlockedDecrement(&card->inside);
    sem_post(&card->served);
    return STATUS_SUCCESS;
  }
};

struct Step {
  Card *card;
  int number;
  NTSTATUS status;
  static NTSTATUS Isr(PINTERRUPTSYNC, PVOID context) {
    Step *step = static_cast<Step *>(context);
    step->card->order.push_back(step->number);
    return step->status;
  }
};

TEST(P24_the_list_survives_disconnect) {
  Card card;
  CHECK(card.sync->RegisterServiceRoutine(Card::Isr, &card, FALSE) == STATUS_SUCCESS);
  for (int power = 0; power < 50; power++) {
    CHECK(card.sync->Connect() == STATUS_SUCCESS);
    card.fire();
    card.sync->Disconnect();
  }
  CHECK(card.calls == 50 && reports == 0);
}

TEST(P25_the_last_release_disconnects) {
  Card card;
  card.sync->RegisterServiceRoutine(Card::Isr, &card, FALSE);
  CHECK(card.sync->Connect() == STATUS_SUCCESS);
  card.fire();
  CHECK(card.sync->Release() == 0);
  card.sync = NULL;
  // Nothing is connected now: the line keeps its interrupts for the next connection.
  InterruptSyncTriggerInterrupt(card.device, 0);
  Card *second = &card;
  CHECK(PcNewInterruptSync(&second->sync, NULL, card.resources, 0, InterruptSyncModeNormal) == STATUS_SUCCESS);
  card.sync->RegisterServiceRoutine(Card::Isr, &card, FALSE);
  CHECK(card.calls == 1 && card.sync->Connect() == STATUS_SUCCESS);
  sem_wait(&card.served);
  CHECK(card.calls == 2 && reports == 0);
}

struct Leaver {
  Card *card;
  sem_t left;
  static NTSTATUS Isr(PINTERRUPTSYNC sync, PVOID context) {
    Leaver *leaver = static_cast<Leaver *>(context);
    leaver->card->sync = NULL;
    sync->Release();
    sem_post(&leaver->left);
    return STATUS_UNSUCCESSFUL;
  }
};

TEST(N12_the_last_release_inside_an_isr) {
  Card card(InterruptSyncModeAll);
  Leaver leaver = {&card, {}};
  sem_init(&leaver.left, 0, 0);
  card.sync->RegisterServiceRoutine(Leaver::Isr, &leaver, FALSE);
  card.sync->RegisterServiceRoutine(Card::Isr, &card, FALSE);
  CHECK(card.sync->Connect() == STATUS_SUCCESS);
  InterruptSyncTriggerInterrupt(card.device, 0);
  sem_wait(&leaver.left);
  KeFlushQueuedDpcs();
  CHECK(card.calls == 0 && reports == 0);
}

TEST(P26_disconnect_without_a_connection) {
  Card card;
  card.sync->Disconnect();
  card.sync->RegisterServiceRoutine(Card::Isr, &card, FALSE);
  card.sync->Connect();
  card.sync->Disconnect();
  card.sync->Disconnect();
  CHECK(reports == 0 && card.sync->GetKInterrupt() == NULL);
}

TEST(P13_register_after_connect_at_the_head) {
  Card card(InterruptSyncModeAll);
  Step tail = {&card, 1, STATUS_UNSUCCESSFUL}, head = {&card, 0, STATUS_UNSUCCESSFUL};
  card.sync->RegisterServiceRoutine(Step::Isr, &tail, FALSE);
  card.sync->RegisterServiceRoutine(Card::Isr, &card, FALSE);
  CHECK(card.sync->Connect() == STATUS_SUCCESS);
  for (int i = 0; i < 20; i++) card.fire();
  InterruptSyncTriggerInterrupt(card.device, 0);
  CHECK(card.sync->RegisterServiceRoutine(Step::Isr, &head, TRUE) == STATUS_SUCCESS);
  sem_wait(&card.served);
  card.fire();
  card.sync->Disconnect();
  size_t last = card.order.size();
  CHECK(last >= 23 && card.order[last - 2] == 0 && card.order[last - 1] == 1 && card.order[0] == 1);
}

TEST(P11_first_is_ahead_of_everything) {
  Card card(InterruptSyncModeAll);
  Step steps[4] = {{&card, 0, STATUS_UNSUCCESSFUL}, {&card, 1, STATUS_SUCCESS}, {&card, 2, STATUS_UNSUCCESSFUL},
                   {&card, 3, STATUS_UNSUCCESSFUL}};
  card.sync->RegisterServiceRoutine(Step::Isr, &steps[2], FALSE);
  card.sync->RegisterServiceRoutine(Step::Isr, &steps[1], TRUE);
  card.sync->RegisterServiceRoutine(Step::Isr, &steps[3], FALSE);
  card.sync->RegisterServiceRoutine(Step::Isr, &steps[0], TRUE);
  card.sync->RegisterServiceRoutine(Card::Isr, &card, FALSE);
  card.sync->Connect();
  card.fire();
  card.sync->Disconnect();
  CHECK((card.order == std::vector<int>{0, 1, 2, 3}));
}

TEST(P15_P17_modes) {
  Card normal(InterruptSyncModeNormal), repeat(InterruptSyncModeRepeat);
  Step a = {&normal, 1, STATUS_UNSUCCESSFUL}, b = {&normal, 2, STATUS_UNSUCCESSFUL};
  normal.sync->RegisterServiceRoutine(Step::Isr, &a, FALSE);
  normal.sync->RegisterServiceRoutine(Card::Isr, &normal, FALSE);
  normal.sync->RegisterServiceRoutine(Step::Isr, &b, FALSE);
  normal.sync->Connect();
  normal.fire();
  normal.sync->Disconnect();
  CHECK((normal.order == std::vector<int>{1}) && normal.calls == 1);
  struct Twice {
    Card *card;
    int left;
    static NTSTATUS Isr(PINTERRUPTSYNC, PVOID context) {
      Twice *twice = static_cast<Twice *>(context);
      twice->card->calls++;
      if (twice->left == 0) sem_post(&twice->card->served);
      return twice->left-- > 0 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
    }
  } twice = {&repeat, 2};
  repeat.sync->RegisterServiceRoutine(Twice::Isr, &twice, FALSE);
  repeat.sync->Connect();
  repeat.fire();
  repeat.sync->Disconnect();
  CHECK(repeat.calls == 3 && reports == 0);
}

NTSTATUS ResetChip(PINTERRUPTSYNC, PVOID context) { return *static_cast<NTSTATUS *>(context); }

TEST(P33_the_routines_own_status_comes_back) {
  Card card;
  for (NTSTATUS status : {STATUS_SUCCESS, STATUS_IO_DEVICE_ERROR, STATUS_TIMEOUT, NTSTATUS(0x12345)})
    CHECK(card.sync->CallSynchronizedRoutine(ResetChip, &status) == status);
  CHECK(reports == 0);
}

void TimerRan(PKDPC, PVOID context, PVOID, PVOID) {
  Card *card = static_cast<Card *>(context);
  NTSTATUS status = STATUS_PENDING;
  CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
  CHECK(card->sync->CallSynchronizedRoutine(ResetChip, &status) == STATUS_PENDING);
  CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
}

TEST(P32_synchronized_at_dispatch_and_in_timers) {
  Card card;
  card.sync->RegisterServiceRoutine(Card::Isr, &card, FALSE);
  card.sync->Connect();
  NTSTATUS status = STATUS_SUCCESS;
  KIRQL level = KeRaiseIrqlToDpcLevel();
  CHECK(card.sync->CallSynchronizedRoutine(ResetChip, &status) == STATUS_SUCCESS);
  KeLowerIrql(level);
  KDPC dpc;
  KeInitializeDpc(&dpc, TimerRan, &card);
  KeInsertQueueDpc(&dpc, NULL, NULL);
  KeFlushQueuedDpcs();
  CHECK(reports == 0);
}

TEST(P6_the_isr_gets_the_sync_object) {
  Card card;
  card.sync->RegisterServiceRoutine(Card::Isr, &card, FALSE);
  card.sync->Connect();
  card.fire();
  CHECK(!card.hasNull && card.calls == 1);
}

TEST(P22_the_isr_may_run_before_connect_returns) {
  Card card;
  card.sync->RegisterServiceRoutine(Card::Isr, &card, FALSE);
  InterruptSyncTriggerInterrupt(card.device, 0);
  CHECK(card.sync->Connect() == STATUS_SUCCESS);
  sem_wait(&card.served);
  CHECK(card.calls == 1);
}

NTSTATUS BusyWait(PINTERRUPTSYNC, PVOID context) {
  Card *card = static_cast<Card *>(context);
  InterlockedIncrement(&card->inside);
  InterruptSyncTriggerInterrupt(card->device, 0);
  LARGE_INTEGER start = KeQueryPerformanceCounter(NULL);
  KeStallExecutionProcessor(100000);
  LONGLONG taken = KeQueryPerformanceCounter(NULL).QuadPart - start.QuadPart;
  InterlockedDecrement(&card->inside);
  return taken >= 100000000 && card->calls == 0 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

TEST(P31_a_routine_may_busy_wait_100_ms) {
  Card card;
  card.sync->RegisterServiceRoutine(Card::Isr, &card, FALSE);
  card.sync->Connect();
  CHECK(card.sync->CallSynchronizedRoutine(BusyWait, &card) == STATUS_SUCCESS);
  sem_wait(&card.served);
  CHECK(card.calls == 1 && card.overlaps == 0);
}

NTSTATUS SomeStepRan(PINTERRUPTSYNC, PVOID context) {
  return static_cast<Card *>(context)->order.empty() ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
}

// Any success code claims, unless the program says otherwise.
TEST(N5_a_success_code_other_than_zero) {
  for (int strict = 0; strict < 2; strict++) {
    if (strict) InterruptSyncAcceptAnySuccess(FALSE);
    Card card;
    Step first = {&card, 1, STATUS_PENDING};
    card.sync->RegisterServiceRoutine(Step::Isr, &first, FALSE);
    card.sync->RegisterServiceRoutine(Card::Isr, &card, FALSE);
    card.sync->Connect();
    InterruptSyncTriggerInterrupt(card.device, 0);
    if (strict) sem_wait(&card.served);
    while (card.sync->CallSynchronizedRoutine(SomeStepRan, &card) != STATUS_SUCCESS) KeStallExecutionProcessor(1);
    card.sync->Disconnect();
    CHECK(card.calls == (strict ? 1 : 0));
  }
  InterruptSyncAcceptAnySuccess(TRUE);
}

BOOLEAN Add(PVOID context) {
  Card *card = static_cast<Card *>(context);
  if (InterlockedIncrement(&card->inside) != 1) card->overlaps++;
  InterlockedDecrement(&card->inside);
  return TRUE;
}

NTSTATUS AddSynchronized(PINTERRUPTSYNC, PVOID context) { return Add(context) ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL; }

void *CallOften(void *context) {
  Card *card = static_cast<Card *>(context);
  for (int i = 0; i < 5000; i++) card->sync->CallSynchronizedRoutine(AddSynchronized, card);
  return NULL;
}

TEST(P28_P29_kinterrupt_at_dispatch) {
  Card card;
  card.sync->RegisterServiceRoutine(Card::Isr, &card, FALSE);
  CHECK(card.sync->GetKInterrupt() == NULL);
  card.sync->Connect();
  PKINTERRUPT interrupt = card.sync->GetKInterrupt();
  pthread_t thread;
  pthread_create(&thread, NULL, CallOften, &card);
  KIRQL level = KeRaiseIrqlToDpcLevel();
  for (int i = 0; i < 5000; i++) CHECK(KeSynchronizeExecution(interrupt, Add, &card));
  KeLowerIrql(level);
  for (int i = 0; i < 200; i++) card.fire();
  pthread_join(thread, NULL);
  CHECK(card.overlaps == 0 && card.calls == 200 && reports == 0);
  card.sync->Disconnect();
  CHECK(card.sync->GetKInterrupt() == NULL && !KeSynchronizeExecution(interrupt, Add, &card));
  CHECK(reported("KeSynchronizeExecution", "N14"));
}

TEST(P37_adapter_and_miniport_share_one_object) {
  Card card(InterruptSyncModeAll);
  card.sync->RegisterServiceRoutine(Card::Isr, &card, FALSE);
  card.sync->Connect();
  PINTERRUPTSYNC borrowed = NULL;
  PUNKNOWN adapter = card.sync;
  CHECK(adapter->QueryInterface(IID_IInterruptSync, (PVOID *)&borrowed) == STATUS_SUCCESS && borrowed == card.sync);
  Step miniport = {&card, 7, STATUS_SUCCESS};
  CHECK(borrowed->RegisterServiceRoutine(Step::Isr, &miniport, TRUE) == STATUS_SUCCESS);
  card.fire();
  CHECK(borrowed->Release() == 1 && (card.order == std::vector<int>{7}));
  card.fire();
  CHECK(card.calls == 2);
}

TEST(N21_two_objects_on_one_line) {
  Card card;
  PINTERRUPTSYNC other = NULL;
  CHECK(PcNewInterruptSync(&other, NULL, card.resources, 0, InterruptSyncModeNormal) == STATUS_SUCCESS);
  Step step = {&card, 1, STATUS_SUCCESS};
  other->RegisterServiceRoutine(Step::Isr, &step, FALSE);
  card.sync->RegisterServiceRoutine(Card::Isr, &card, FALSE);
  CHECK(other->Connect() == STATUS_SUCCESS && card.sync->Connect() == STATUS_SUCCESS);
  card.fire();
  other->Release();
  card.fire();
  CHECK(card.calls == 2 && card.order.size() == 1 && reports == 0);
}

NTSTATUS Nested(PINTERRUPTSYNC sync, PVOID context) {
  NTSTATUS status = STATUS_SUCCESS;
  CHECK(sync->CallSynchronizedRoutine(ResetChip, &status) == STATUS_POSSIBLE_DEADLOCK);
  CHECK(reported("IInterruptSync::CallSynchronizedRoutine", "N4"));
  CHECK(sync->Connect() == STATUS_POSSIBLE_DEADLOCK && reported("IInterruptSync::Connect", "N4"));
  sync->Disconnect();
  CHECK(reported("IInterruptSync::Disconnect", "N4"));
  CHECK(KeGetCurrentIrql() > DISPATCH_LEVEL);
  if (context) sem_post(&static_cast<Card *>(context)->served);
  return STATUS_SUCCESS;
}

TEST(N4_reentry_is_told) {
  Card card;
  card.sync->RegisterServiceRoutine(Nested, &card, FALSE);
  CHECK(card.sync->CallSynchronizedRoutine(Nested, NULL) == STATUS_SUCCESS);
  card.sync->Connect();
  card.fire();
  card.sync->Disconnect();
}

TEST(N20_an_isr_that_always_claims) {
  Card card(InterruptSyncModeRepeat);
  card.sync->RegisterServiceRoutine(Card::Isr, &card, FALSE);
  card.sync->Connect();
  card.fire();
  // None begins after the disconnect.
  await_report();
  card.sync->Disconnect();
  CHECK(card.calls == 1000 && reported("IInterruptSync", "N20"));
}

}  // namespace
