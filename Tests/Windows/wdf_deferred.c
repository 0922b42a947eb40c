// WDF: work that an ISR leaves for later, DPC objects, work items, timers. Compiled as C and as C++.
#include "wdf_fixture.h"

static struct {
  WDFINTERRUPT interrupt;
  BOOLEAN with_work_item, passive, serialized;
  sem_t ran, go, served, disabled;
  LONG runs, first, second, inside, overlaps;
  KIRQL level;
  WDFOBJECT associated;
} my;

static BOOLEAN isr(WDFINTERRUPT interrupt, ULONG message) {
  (void)message;
  BOOLEAN (*queue)(WDFINTERRUPT) = my.with_work_item ? WdfInterruptQueueWorkItemForIsr : WdfInterruptQueueDpcForIsr;
  my.first = queue(interrupt);
  my.second = queue(interrupt);
  sem_post(&my.served);
  return TRUE;
}

static void deferred(WDFINTERRUPT interrupt, WDFOBJECT object) {
  CHECK(interrupt == my.interrupt);
  my.associated = object;
  my.level = KeGetCurrentIrql();
  my.runs++;
  sem_post(&my.ran);
  sem_wait(&my.go);
}

static NTSTATUS disable(WDFINTERRUPT interrupt, WDFDEVICE device) {
  (void)interrupt, (void)device;
  sem_post(&my.disabled);
  return STATUS_SUCCESS;
}

static NTSTATUS add_interrupt(WDFDEVICE device) {
  WDF_INTERRUPT_CONFIG config;
  WDF_INTERRUPT_CONFIG_INIT(&config, isr, my.with_work_item ? NULL : deferred);
  if (my.with_work_item) config.EvtInterruptWorkItem = deferred;
  config.EvtInterruptDisable = disable;
  config.PassiveHandling = my.passive;
  config.AutomaticSerialization = my.serialized;
  return WdfInterruptCreate(device, &config, NULL, &my.interrupt);
}

static void prepare(BOOLEAN with_work_item) {
  begin();
  memset(&my, 0, sizeof my);
  sem_init(&my.ran, 0, 0), sem_init(&my.go, 0, 0), sem_init(&my.served, 0, 0), sem_init(&my.disabled, 0, 0);
  my.with_work_item = with_work_item;
  plan.on_add = add_interrupt;
}

static void fire(void) {
  CHECK(InterruptSyncTriggerInterrupt(pdo, 0) == STATUS_SUCCESS);
  sem_wait(&my.served);
}

static sem_t held, released;
static void hold_dpcs(PKDPC unused, PVOID context, PVOID first, PVOID second) {
  (void)unused, (void)context, (void)first, (void)second;
  sem_post(&held);
  sem_wait(&released);
}

// The ISR finds that no DPC begins before it has ended.
static void fire_with_dpcs_held(void) {
  KDPC holder;
  sem_init(&held, 0, 0), sem_init(&released, 0, 0);
  KeInitializeDpc(&holder, hold_dpcs, NULL);
  KeInsertQueueDpc(&holder, NULL, NULL);
  sem_wait(&held);
  fire();
  sem_post(&released);
  sem_wait(&my.ran);
}

TEST(W14_W17_a_dpc_is_queued_once_and_runs_at_dispatch_level) {
  prepare(FALSE), start(1), fire_with_dpcs_held();
  CHECK(my.first == TRUE && my.second == FALSE);
  CHECK(my.level == DISPATCH_LEVEL && my.associated == (WDFOBJECT)the_device);
  // It runs without the lock, and while it does it can be queued again (W18).
  fire();
  CHECK(my.first == TRUE && my.second == FALSE);
  sem_post(&my.go), sem_post(&my.go);
  sem_wait(&my.ran);
  CHECK(my.runs == 2 && reports == 0);
  CHECK(!WdfInterruptQueueWorkItemForIsr(my.interrupt) && reported("WdfInterruptQueueWorkItemForIsr", "W17"));
  end();
}

static void run_work_item(BOOLEAN passive) {
  prepare(TRUE), my.passive = passive, start(1), fire_with_dpcs_held();
  CHECK(my.first == TRUE && my.second == FALSE);
  CHECK(my.level == PASSIVE_LEVEL && my.associated == (WDFOBJECT)the_device);
  CHECK(WdfInterruptQueueWorkItemForIsr(my.interrupt) == TRUE);
  CHECK(WdfInterruptQueueWorkItemForIsr(my.interrupt) == FALSE);
  sem_post(&my.go), sem_post(&my.go);
  sem_wait(&my.ran);
  CHECK(reports == 0 && !WdfInterruptQueueDpcForIsr(my.interrupt) && reported("WdfInterruptQueueDpcForIsr", "W17"));
  end();
}

TEST(W14_W17_a_work_item_is_queued_once_and_runs_at_passive_level) {
  run_work_item(FALSE);
  run_work_item(TRUE);
}

static void *let_go(void *unused) {
  sem_wait(&my.ran);
  sem_wait(&my.disabled);
  note("ran");
  sem_post(&my.go);
  return unused;
}

// The DPC or work item of the last interrupt has ended before EvtDeviceD0Exit (W8, S12).
TEST(W8_deferred_routines_end_before_d0_exit) {
  for (BOOLEAN with_work_item = FALSE; with_work_item <= TRUE; with_work_item++) {
    prepare(with_work_item), start(1), forget_trace();
    pthread_t thread;
    fire();
    pthread_create(&thread, NULL, let_go, NULL);
    CHECK(InterruptSyncPowerDownDevice(pdo) == STATUS_SUCCESS && traced("pre ran exit-d3"));
    pthread_join(thread, NULL);
    CHECK(my.runs == 1 && reports == 0);
    end();
  }
}

static void call_what_it_must_not(WDFINTERRUPT interrupt, WDFOBJECT object) {
  (void)object;
  WdfInterruptAcquireLock(interrupt);
  CHECK(reported("WdfInterruptAcquireLock", "W15"));
  WdfInterruptReleaseLock(interrupt);
  WdfInterruptEnable(interrupt);
  CHECK(reported("WdfInterruptEnable", "W15"));
  sem_post(&my.ran);
}

static NTSTATUS add_serialized(WDFDEVICE device) {
  WDF_INTERRUPT_CONFIG config;
  WDF_INTERRUPT_CONFIG_INIT(&config, isr, NULL);
  config.EvtInterruptWorkItem = call_what_it_must_not;
  config.AutomaticSerialization = TRUE;
  return WdfInterruptCreate(device, &config, NULL, &my.interrupt);
}

static BOOLEAN synchronized(WDFINTERRUPT interrupt, WDFCONTEXT context) {
  CHECK(interrupt == my.interrupt && KeGetCurrentIrql() > DISPATCH_LEVEL);
  return *(BOOLEAN *)context;
}

TEST(W15_a_serialized_interrupt_is_synchronized_from_elsewhere) {
  prepare(TRUE), plan.on_add = add_serialized, plan.level = WdfExecutionLevelPassive, start(1);
  for (BOOLEAN result = FALSE; result <= TRUE; result++)
    CHECK(WdfInterruptSynchronize(my.interrupt, synchronized, &result) == result);
  CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL && reports == 0);
  end();
}

TEST(W15_a_serialized_work_item_leaves_the_lock_alone) {
  prepare(TRUE), plan.on_add = add_serialized, plan.level = WdfExecutionLevelPassive, start(1);
  CHECK(WdfInterruptQueueWorkItemForIsr(my.interrupt));
  sem_wait(&my.ran);
  end();
  CHECK(reports == 0);
}

static WDFDPC dpc;
static WDFWORKITEM item;
static WDFTIMER timer;
typedef struct counter {
  LONG value;
} counter;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(counter, GetCounter)

static void count_in(WDFOBJECT object) {
  if (InterlockedIncrement(&my.inside) != 1) InterlockedIncrement(&my.overlaps);
  GetCounter(object)->value++;
  my.level = KeGetCurrentIrql();
  InterlockedDecrement(&my.inside);
  sem_post(&my.ran);
}
static void dpc_ran(WDFDPC which) { count_in(which); }
static void item_ran(WDFWORKITEM which) { count_in(which); }
static void timer_ran(WDFTIMER which) { count_in(which); }

static void dpc_waits(WDFDPC which) {
  count_in(which);
  sem_wait(&my.go);
}

static WDF_OBJECT_ATTRIBUTES with_counter(WDFOBJECT parent) {
  WDF_OBJECT_ATTRIBUTES attributes;
  WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, counter);
  attributes.ParentObject = parent;
  return attributes;
}

static NTSTATUS make_dpc(PFN_WDF_DPC routine, BOOLEAN serialized, WDFOBJECT parent) {
  WDF_DPC_CONFIG config;
  WDF_DPC_CONFIG_INIT(&config, routine);
  CHECK(config.AutomaticSerialization);
  config.AutomaticSerialization = serialized;
  WDF_OBJECT_ATTRIBUTES attributes = with_counter(parent);
  return WdfDpcCreate(&config, &attributes, &dpc);
}

static NTSTATUS make_item(PFN_WDF_WORKITEM routine, BOOLEAN serialized, WDFOBJECT parent) {
  WDF_WORKITEM_CONFIG config;
  WDF_WORKITEM_CONFIG_INIT(&config, routine);
  CHECK(config.AutomaticSerialization);
  config.AutomaticSerialization = serialized;
  WDF_OBJECT_ATTRIBUTES attributes = with_counter(parent);
  return WdfWorkItemCreate(&config, &attributes, &item);
}

static NTSTATUS make_timer(ULONG period, BOOLEAN serialized, WDF_EXECUTION_LEVEL level, WDFOBJECT parent) {
  WDF_TIMER_CONFIG config;
  if (period) WDF_TIMER_CONFIG_INIT_PERIODIC(&config, timer_ran, period);
  else WDF_TIMER_CONFIG_INIT(&config, timer_ran);
  CHECK(config.AutomaticSerialization && config.Period == period);
  config.AutomaticSerialization = serialized;
  WDF_OBJECT_ATTRIBUTES attributes = with_counter(parent);
  attributes.ExecutionLevel = level;
  return WdfTimerCreate(&config, &attributes, &timer);
}

TEST(creation_errors_of_deferred_objects) {
  prepare(FALSE), plan.on_add = NULL, add(0);
  CHECK(make_dpc(NULL, FALSE, the_device) == STATUS_INVALID_PARAMETER);
  CHECK(make_dpc(dpc_ran, FALSE, NULL) == STATUS_WDF_PARENT_NOT_SPECIFIED && !dpc);
  CHECK(make_dpc(dpc_ran, FALSE, WdfGetDriver()) == STATUS_INVALID_DEVICE_REQUEST);
  CHECK(make_item(item_ran, TRUE, the_device) == STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL && !item);
  CHECK(make_item(NULL, FALSE, the_device) == STATUS_INVALID_PARAMETER);
  CHECK(make_item(item_ran, FALSE, NULL) == STATUS_WDF_PARENT_NOT_SPECIFIED);
  CHECK(make_timer(0, TRUE, WdfExecutionLevelPassive, the_device) == STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL);
  CHECK(make_timer(5, FALSE, WdfExecutionLevelPassive, the_device) == STATUS_NOT_SUPPORTED && !timer);
  CHECK(make_timer(0, FALSE, WdfExecutionLevelInheritFromParent, NULL) == STATUS_WDF_PARENT_NOT_SPECIFIED);
  WDF_DPC_CONFIG config;
  WDF_DPC_CONFIG_INIT(&config, dpc_ran);
  CHECK(WdfDpcCreate(&config, NULL, &dpc) == STATUS_INVALID_PARAMETER);
  config.Size--;
  WDF_OBJECT_ATTRIBUTES attributes = with_counter(the_device);
  CHECK(WdfDpcCreate(&config, &attributes, &dpc) == STATUS_INFO_LENGTH_MISMATCH && reports == 0);
  WDF_WORKITEM_CONFIG work;
  WDF_WORKITEM_CONFIG_INIT(&work, item_ran);
  work.Size++;
  CHECK(WdfWorkItemCreate(&work, &attributes, &item) == STATUS_INFO_LENGTH_MISMATCH);
  WDF_TIMER_CONFIG timing;
  WDF_TIMER_CONFIG_INIT(&timing, NULL);
  CHECK(WdfTimerCreate(&timing, &attributes, &timer) == STATUS_INVALID_PARAMETER);
  WDF_TIMER_CONFIG_INIT_PERIODIC(&timing, timer_ran, 0x80000000u);
  CHECK(WdfTimerCreate(&timing, &attributes, &timer) == STATUS_INVALID_PARAMETER);
  timing.Size = 0;
  CHECK(WdfTimerCreate(&timing, &attributes, &timer) == STATUS_INFO_LENGTH_MISMATCH && !timer && reports == 0);
  end();
  prepare(FALSE), plan.on_add = NULL, plan.level = WdfExecutionLevelPassive, add(0);
  CHECK(make_dpc(dpc_ran, TRUE, the_device) == STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL);
  CHECK(make_item(item_ran, TRUE, the_device) == STATUS_SUCCESS && reports == 0);
  end();
}

TEST(dpc_objects) {
  prepare(FALSE), plan.on_add = NULL, add(0);
  CHECK(make_dpc(dpc_waits, TRUE, the_device) == STATUS_SUCCESS && WdfDpcGetParentObject(dpc) == the_device);
  CHECK(WdfDpcEnqueue(dpc));
  sem_wait(&my.ran);
  CHECK(WdfDpcEnqueue(dpc) && !WdfDpcEnqueue(dpc) && my.level == DISPATCH_LEVEL);
  CHECK(WdfDpcCancel(dpc, FALSE) && !WdfDpcCancel(dpc, FALSE));
  sem_post(&my.go);
  CHECK(!WdfDpcCancel(dpc, TRUE) && GetCounter(dpc)->value == 1);
  sem_post(&my.go);
  CHECK(KeInsertQueueDpc(WdfDpcWdmGetDpc(dpc), NULL, NULL));
  sem_wait(&my.ran);
  CHECK(!WdfDpcCancel(dpc, TRUE) && GetCounter(dpc)->value == 2 && reports == 0);
  KIRQL level = KeRaiseIrqlToDpcLevel();
  WdfDpcCancel(dpc, TRUE);
  CHECK(reported("WdfDpcCancel", "4.6"));
  KeLowerIrql(level);
  WdfObjectDelete(dpc);
  CHECK(!WdfDpcEnqueue(dpc) && reported("WdfDpcEnqueue", "N27"));
  end();
}

static void delete_self(WDFWORKITEM which) {
  WdfWorkItemFlush(which);
  CHECK(reported("WdfWorkItemFlush", "D12"));
  WdfObjectDelete(which);
  sem_post(&my.ran);
}

static void work_item_waits(WDFWORKITEM which) {
  sem_post(&my.ran);
  sem_wait(&my.go);
  CHECK(GetCounter(which)->value == 7);
}

static void counter_destroyed(WDFOBJECT object) {
  CHECK(GetCounter(object)->value == 7);
  note("destroyed");
  sem_post(&my.ran);
}

// Above PASSIVE_LEVEL no thread can wait for a callback; its object and context outlive it.
TEST(N27_an_object_deleted_at_dispatch_level_outlives_its_callback) {
  prepare(FALSE), plan.on_add = NULL, add(0);
  WDF_WORKITEM_CONFIG config;
  WDF_WORKITEM_CONFIG_INIT(&config, work_item_waits);
  config.AutomaticSerialization = FALSE;
  WDF_OBJECT_ATTRIBUTES attributes = with_counter(the_device);
  attributes.EvtDestroyCallback = counter_destroyed;
  CHECK(WdfWorkItemCreate(&config, &attributes, &item) == STATUS_SUCCESS);
  GetCounter(item)->value = 7;
  WdfWorkItemEnqueue(item);
  sem_wait(&my.ran);
  KIRQL level = KeRaiseIrqlToDpcLevel();
  WdfObjectDelete(item);
  KeLowerIrql(level);
  CHECK(traced(""));
  sem_post(&my.go);
  sem_wait(&my.ran);
  CHECK(traced("destroyed") && reports == 0);
  end();
}

TEST(work_items) {
  prepare(FALSE), plan.on_add = NULL, add(0);
  CHECK(make_item(item_ran, FALSE, the_device) == STATUS_SUCCESS && WdfWorkItemGetParentObject(item) == the_device);
  KIRQL level = KeRaiseIrqlToDpcLevel();
  WdfWorkItemEnqueue(item);
  KeLowerIrql(level);
  WdfWorkItemFlush(item);
  CHECK(GetCounter(item)->value == 1 && my.level == PASSIVE_LEVEL && reports == 0);
  KeRaiseIrql(5, &level);
  WdfWorkItemEnqueue(item);
  CHECK(reported("WdfWorkItemEnqueue", "4.6"));
  KeLowerIrql(level);
  for (int i = 0; i < 100; i++) WdfWorkItemEnqueue(item);
  WdfObjectDelete(item);
  CHECK(reports == 0 && my.overlaps == 0);
  sem_destroy(&my.ran), sem_init(&my.ran, 0, 0);
  CHECK(make_item(delete_self, FALSE, the_device) == STATUS_SUCCESS);
  WdfWorkItemEnqueue(item);
  sem_wait(&my.ran);
  end();
  CHECK(reports == 0);
}

TEST(timers) {
  prepare(FALSE), plan.on_add = NULL, add(0);
  CHECK(make_timer(0, TRUE, WdfExecutionLevelInheritFromParent, the_device) == STATUS_SUCCESS);
  CHECK(WdfTimerGetParentObject(timer) == the_device);
  CHECK(!WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_SEC(3600)) && WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_SEC(3600)));
  CHECK(WdfTimerStop(timer, TRUE) && !WdfTimerStop(timer, TRUE));
  CHECK(!WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_MS(1)));
  sem_wait(&my.ran);
  WdfTimerStop(timer, TRUE);
  CHECK(my.level == DISPATCH_LEVEL && GetCounter(timer)->value == 1);
  CHECK(make_timer(1, FALSE, WdfExecutionLevelInheritFromParent, the_device) == STATUS_SUCCESS);
  CHECK(!WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_MS(1)));
  for (int i = 0; i < 5; i++) sem_wait(&my.ran);
  WdfTimerStop(timer, TRUE);
  LONG runs = GetCounter(timer)->value;
  KeFlushQueuedDpcs();
  CHECK(runs >= 5 && runs == GetCounter(timer)->value);
  sem_destroy(&my.ran), sem_init(&my.ran, 0, 0);
  CHECK(make_timer(0, FALSE, WdfExecutionLevelPassive, the_device) == STATUS_SUCCESS);
  CHECK(!WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_US(10)));
  sem_wait(&my.ran);
  WdfTimerStop(timer, TRUE);
  CHECK(my.level == PASSIVE_LEVEL && reports == 0);
  KIRQL level;
  KeRaiseIrql(5, &level);
  WdfTimerStart(timer, -1);
  CHECK(reported("WdfTimerStart", "4.6"));
  WdfTimerStop(timer, FALSE);
  CHECK(reported("WdfTimerStop", "4.6"));
  KeLowerIrql(level);
  WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_SEC(3600));
  end();
  CHECK(reports == 0);
}

static VOID stop_self(WDFTIMER which) {
  CHECK(!WdfTimerStop(which, TRUE) && reported("WdfTimerStop", "D11"));
  sem_post(&my.ran);
}

TEST(D11_a_timers_callback_does_not_wait_for_itself) {
  prepare(FALSE), plan.on_add = NULL, add(0);
  WDF_TIMER_CONFIG config;
  WDF_TIMER_CONFIG_INIT(&config, stop_self);
  config.AutomaticSerialization = FALSE;
  WDF_OBJECT_ATTRIBUTES attributes = with_counter(the_device);
  attributes.ExecutionLevel = WdfExecutionLevelPassive;
  CHECK(WdfTimerCreate(&config, &attributes, &timer) == STATUS_SUCCESS && !WdfTimerStart(timer, -1));
  sem_wait(&my.ran);
  end();
}

// With a scope of the device, what was made with AutomaticSerialization excludes each other; without it does not.
static void *queue_often(void *context) {
  for (int i = 0; i < 500; i++) WdfWorkItemEnqueue(item), WdfTimerStart(timer, -1);
  return context;
}

TEST(W14_serialized_callbacks_exclude_each_other) {
  prepare(FALSE), plan.on_add = NULL;
  plan.level = WdfExecutionLevelPassive, plan.scope = WdfSynchronizationScopeDevice, add(0);
  CHECK(make_item(item_ran, TRUE, the_device) == STATUS_SUCCESS);
  CHECK(make_timer(0, TRUE, WdfExecutionLevelPassive, the_device) == STATUS_SUCCESS);
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, queue_often, NULL);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  WdfWorkItemFlush(item);
  WdfTimerStop(timer, TRUE);
  CHECK(my.overlaps == 0 && GetCounter(item)->value > 0 && GetCounter(timer)->value > 0 && reports == 0);
  end();
}
