// WDF: the interrupt's lock, spin locks, wait locks. Compiled as C and as C++.
#include "wdf_fixture.h"

#include <time.h>

static struct {
  WDFINTERRUPT interrupt[2];
  BOOLEAN passive, shared;
  WDFSPINLOCK spin;
  WDFWAITLOCK wait;
  LONG inside, overlaps, count, calls;
  KIRQL level;
  sem_t served;
} my;

static void enter(void) {
  if (InterlockedIncrement(&my.inside) != 1) my.overlaps++;
  my.count++;
  InterlockedDecrement(&my.inside);
}

static BOOLEAN isr(WDFINTERRUPT interrupt, ULONG message) {
  (void)interrupt, (void)message;
  enter();
  my.level = KeGetCurrentIrql();
  my.calls++;
  sem_post(&my.served);
  return TRUE;
}

static NTSTATUS add_interrupts(WDFDEVICE device) {
  CHECK(WdfSpinLockCreate(WDF_NO_OBJECT_ATTRIBUTES, &my.spin) == STATUS_SUCCESS);
  CHECK(WdfWaitLockCreate(WDF_NO_OBJECT_ATTRIBUTES, &my.wait) == STATUS_SUCCESS);
  for (int i = 0; i < 2; i++) {
    WDF_INTERRUPT_CONFIG config;
    WDF_INTERRUPT_CONFIG_INIT(&config, isr, NULL);
    config.PassiveHandling = my.passive;
    if (my.shared && my.passive) config.WaitLock = my.wait;
    if (my.shared && !my.passive) config.SpinLock = my.spin;
    CHECK(WdfInterruptCreate(device, &config, NULL, &my.interrupt[i]) == STATUS_SUCCESS);
  }
  return STATUS_SUCCESS;
}

static void prepare(BOOLEAN passive, BOOLEAN shared) {
  begin();
  memset(&my, 0, sizeof my);
  sem_init(&my.served, 0, 0);
  my.passive = passive, my.shared = shared;
  plan.on_add = add_interrupts;
}

static void fire(ULONG index) {
  CHECK(InterruptSyncTriggerInterrupt(pdo, index) == STATUS_SUCCESS);
  sem_wait(&my.served);
}

static KIRQL dirql(ULONG index) { return (KIRQL)resource(pdo, CmResourceTypeInterrupt, index)->u.Interrupt.Level; }

static BOOLEAN odd(WDFINTERRUPT interrupt, WDFCONTEXT context) {
  CHECK(interrupt == my.interrupt[0] && context == &my);
  enter();
  my.level = KeGetCurrentIrql();
  return my.count % 2 != 0;
}

static BOOLEAN nested(WDFINTERRUPT interrupt, WDFCONTEXT context) {
  (void)context;
  CHECK(!WdfInterruptSynchronize(interrupt, odd, &my) && reported("WdfInterruptSynchronize", "N4"));
  WdfInterruptAcquireLock(interrupt);
  CHECK(reported("WdfInterruptAcquireLock", "N4"));
  WdfInterruptReleaseLock(interrupt);
  CHECK(reports == 0);
  WdfInterruptEnable(interrupt);
  CHECK(reported("WdfInterruptEnable", "N4"));
  WdfInterruptSetPolicy(interrupt, WdfIrqPolicyMachineDefault, WdfIrqPriorityUndefined, 0);
  CHECK(reported("WdfInterruptSetPolicy", my.passive ? "N4" : "4.6"));
  return TRUE;
}

TEST(W19_synchronize_gives_the_callbacks_result) {
  prepare(FALSE, FALSE), start(2);
  CHECK(WdfInterruptSynchronize(my.interrupt[0], odd, &my) && my.level == dirql(0));
  KIRQL level = KeRaiseIrqlToDpcLevel();
  CHECK(!WdfInterruptSynchronize(my.interrupt[0], odd, &my) && reports == 0);
  CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
  KeLowerIrql(level);
  KeRaiseIrql(dirql(0), &level);
  CHECK(!WdfInterruptSynchronize(my.interrupt[0], odd, &my) && reported("WdfInterruptSynchronize", "4.6"));
  KeLowerIrql(level);
  CHECK(my.count == 2 && WdfInterruptSynchronize(my.interrupt[0], nested, NULL));
  CHECK(!WdfInterruptSynchronize(my.interrupt[0], NULL, NULL) && reported("WdfInterruptSynchronize", "W19"));
  end();
}

TEST(W19_a_passive_interrupt_is_synchronized_at_passive_level) {
  prepare(TRUE, FALSE), start(2), my.level = 9;
  CHECK(WdfInterruptSynchronize(my.interrupt[0], odd, &my) && my.level == PASSIVE_LEVEL);
  KIRQL level = KeRaiseIrqlToDpcLevel();
  CHECK(!WdfInterruptSynchronize(my.interrupt[0], odd, &my) && reported("WdfInterruptSynchronize", "4.6"));
  KeLowerIrql(level);
  CHECK(my.count == 1 && WdfInterruptSynchronize(my.interrupt[0], nested, NULL));
  end();
}

TEST(W21_N24_synchronize_works_without_a_connection) {
  prepare(FALSE, FALSE), add(2);
  CHECK(WdfInterruptSynchronize(my.interrupt[0], odd, &my) && my.level > DISPATCH_LEVEL && reports == 0);
  end();
}

typedef struct sum {
  LONG add, result;
} sum;

static BOOLEAN add_own(WDFINTERRUPT interrupt, WDFCONTEXT context) {
  (void)interrupt;
  sum *s = (sum *)context;
  enter();
  s->result += s->add;
  return s->result % 2 != 0;
}

static void *synchronize_often(void *context) {
  sum *s = (sum *)context;
  for (int i = 0; i < 5000; i++) {
    BOOLEAN odd_result = WdfInterruptSynchronize(my.interrupt[0], add_own, s);
    CHECK(odd_result == (s->result % 2 != 0));
  }
  return NULL;
}

static void *acquire_often(void *context) {
  for (int i = 0; i < 5000; i++) {
    WdfInterruptAcquireLock(my.interrupt[0]);
    enter();
    WdfInterruptReleaseLock(my.interrupt[0]);
  }
  return context;
}

static void exclude(int interrupts) {
  pthread_t threads[3];
  sum a = {1, 0}, b = {3, 0};
  pthread_create(&threads[0], NULL, synchronize_often, &a);
  pthread_create(&threads[1], NULL, synchronize_often, &b);
  pthread_create(&threads[2], NULL, acquire_often, NULL);
  for (int i = 0; i < 1000; i++) fire((ULONG)(i % interrupts));
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  CHECK(a.result == 5000 && b.result == 15000 && my.overlaps == 0 && my.count == 16000 && reports == 0);
}

static sem_t holds, has_asked;

static void *hold_second(void *unused) {
  WdfInterruptAcquireLock(my.interrupt[1]);
  sem_post(&holds);
  sem_wait(&has_asked);
  WdfInterruptReleaseLock(my.interrupt[1]);
  return unused;
}

static BOOLEAN ask(WDFINTERRUPT interrupt, WDFCONTEXT context) {
  (void)interrupt, (void)context;
  for (ULONG i = 0; i < 2; i++) {
    WDF_INTERRUPT_INFO info;
    WDF_INTERRUPT_INFO_INIT(&info);
    WdfInterruptGetInfo(my.interrupt[i], &info);
    CHECK(info.Irql == dirql(i) && info.MessageNumber == i);
    CHECK(info.Vector == resource(pdo, CmResourceTypeInterrupt, i)->u.Interrupt.Vector);
  }
  return TRUE;
}

// Of an interrupt whose lock another thread holds as well.
TEST(W32_a_routine_is_told_about_every_interrupt) {
  prepare(FALSE, FALSE), start(2);
  sem_init(&holds, 0, 0), sem_init(&has_asked, 0, 0);
  pthread_t thread;
  pthread_create(&thread, NULL, hold_second, NULL);
  sem_wait(&holds);
  CHECK(WdfInterruptSynchronize(my.interrupt[0], ask, NULL) && reports == 0);
  sem_post(&has_asked);
  pthread_join(thread, NULL);
  end();
}

TEST(W20_callers_are_independent_and_all_exclude_each_other) {
  prepare(FALSE, FALSE), start(2), exclude(1), end();
  prepare(TRUE, FALSE), start(2), exclude(1), end();
}

TEST(W5_interrupts_with_one_lock_exclude_each_other) {
  prepare(FALSE, TRUE), start(2), exclude(2);
  KIRQL highest = dirql(0) > dirql(1) ? dirql(0) : dirql(1);
  fire(0);
  CHECK(my.level == highest);
  fire(1);
  CHECK(my.level == highest);
  WDF_INTERRUPT_INFO info;
  WDF_INTERRUPT_INFO_INIT(&info);
  WdfInterruptGetInfo(my.interrupt[0], &info);
  CHECK(info.Irql == dirql(0) && reports == 0);
  WdfSpinLockAcquire(my.spin);
  CHECK(reported("WdfSpinLockAcquire", "W5"));
  WdfSpinLockRelease(my.spin);
  end();
  prepare(TRUE, TRUE), start(2), exclude(2);
  LONGLONG now = 0;
  WdfInterruptAcquireLock(my.interrupt[0]);
  CHECK(!WdfInterruptTryToAcquireLock(my.interrupt[1]));
  CHECK(WdfWaitLockAcquire(my.wait, &now) == STATUS_TIMEOUT);
  WdfInterruptReleaseLock(my.interrupt[0]);
  CHECK(WdfInterruptTryToAcquireLock(my.interrupt[1]) && reports == 0);
  WdfInterruptReleaseLock(my.interrupt[1]);
  end();
}

TEST(W22_acquire_raises_and_release_lowers) {
  prepare(FALSE, FALSE), start(2);
  KIRQL level = KeRaiseIrqlToDpcLevel();
  WdfInterruptAcquireLock(my.interrupt[0]);
  CHECK(KeGetCurrentIrql() == dirql(0));
  InterruptSyncTriggerInterrupt(pdo, 0);
  WdfInterruptAcquireLock(my.interrupt[0]);
  CHECK(reported("WdfInterruptAcquireLock", "N4"));
  WdfInterruptReleaseLock(my.interrupt[0]);
  CHECK(my.calls == 0 && KeGetCurrentIrql() == dirql(0) && reports == 0);
  WdfInterruptReleaseLock(my.interrupt[0]);
  CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
  KeLowerIrql(level);
  sem_wait(&my.served);
  WdfInterruptReleaseLock(my.interrupt[0]);
  CHECK(reported("WdfInterruptReleaseLock", "W22"));
  WdfInterruptAcquireLock(my.interrupt[0]);
  KIRQL high;
  KeRaiseIrql(HIGH_LEVEL, &high);
  WdfInterruptReleaseLock(my.interrupt[0]);
  CHECK(reported("WdfInterruptReleaseLock", "W22") && KeGetCurrentIrql() == PASSIVE_LEVEL);
  KeRaiseIrql(HIGH_LEVEL, &high);
  WdfInterruptAcquireLock(my.interrupt[0]);
  CHECK(reported("WdfInterruptAcquireLock", "4.6") && KeGetCurrentIrql() == HIGH_LEVEL);
  WdfInterruptReleaseLock(my.interrupt[0]);
  CHECK(reports == 0);
  KeLowerIrql(high);
  end();
}

TEST(W23_without_a_connection_no_lock_is_taken) {
  prepare(FALSE, FALSE), add(2);
  WdfInterruptAcquireLock(my.interrupt[0]);
  CHECK(reported("WdfInterruptAcquireLock", "W23") && KeGetCurrentIrql() == PASSIVE_LEVEL);
  CHECK(WdfInterruptSynchronize(my.interrupt[0], odd, &my));
  WdfInterruptReleaseLock(my.interrupt[0]);
  CHECK(reports == 0);
  end();
  prepare(TRUE, FALSE), add(2);
  WdfInterruptAcquireLock(my.interrupt[0]);
  CHECK(reports == 0 && !WdfInterruptSynchronize(my.interrupt[0], odd, &my) && reported("WdfInterruptSynchronize", "N4"));
  WdfInterruptReleaseLock(my.interrupt[0]);
  end();
}

static void *hold(void *context) {
  sem_t *steps = (sem_t *)context;
  WdfInterruptAcquireLock(my.interrupt[0]);
  sem_post(&steps[0]);
  sem_wait(&steps[1]);
  WdfInterruptReleaseLock(my.interrupt[0]);
  return NULL;
}

TEST(W16_W24_try_to_acquire_is_for_passive_interrupts) {
  prepare(FALSE, FALSE), start(2);
  CHECK(!WdfInterruptTryToAcquireLock(my.interrupt[0]) && reported("WdfInterruptTryToAcquireLock", "W24"));
  end();
  prepare(TRUE, FALSE), start(2);
  CHECK(WdfInterruptTryToAcquireLock(my.interrupt[0]) && KeGetCurrentIrql() == PASSIVE_LEVEL);
  CHECK(!WdfInterruptTryToAcquireLock(my.interrupt[0]));
  WdfInterruptReleaseLock(my.interrupt[0]);
  sem_t steps[2];
  sem_init(&steps[0], 0, 0), sem_init(&steps[1], 0, 0);
  pthread_t thread;
  pthread_create(&thread, NULL, hold, steps);
  sem_wait(&steps[0]);
  CHECK(!WdfInterruptTryToAcquireLock(my.interrupt[0]) && reports == 0);
  sem_post(&steps[1]);
  pthread_join(thread, NULL);
  KIRQL level = KeRaiseIrqlToDpcLevel();
  CHECK(!WdfInterruptTryToAcquireLock(my.interrupt[0]) && reported("WdfInterruptTryToAcquireLock", "4.6"));
  WdfInterruptAcquireLock(my.interrupt[0]);
  CHECK(reported("WdfInterruptAcquireLock", "W16"));
  WdfInterruptReleaseLock(my.interrupt[0]);
  KeLowerIrql(level);
  CHECK(WdfInterruptTryToAcquireLock(my.interrupt[0]) && reports == 0);
  WdfInterruptReleaseLock(my.interrupt[0]);
  end();
}

TEST(spin_locks) {
  prepare(FALSE, FALSE), add(0);
  WdfSpinLockAcquire(my.spin);
  CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL && reports == 0);
  WdfSpinLockAcquire(my.spin);
  CHECK(reported("WdfSpinLockAcquire", "K24"));
  WdfSpinLockRelease(my.spin);
  CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
  WdfSpinLockRelease(my.spin);
  CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL && reports == 0);
  WdfSpinLockRelease(my.spin);
  CHECK(reported("WdfSpinLockRelease", "K24"));
  KIRQL level;
  KeRaiseIrql(5, &level);
  WdfSpinLockAcquire(my.spin);
  CHECK(reported("WdfSpinLockAcquire", "K23"));
  WdfSpinLockRelease(my.spin);
  KeLowerIrql(level);
  WdfObjectDelete(my.spin);
  WdfSpinLockAcquire(my.spin);
  CHECK(reported("WdfSpinLockAcquire", "N27") && KeGetCurrentIrql() == PASSIVE_LEVEL);
  end();
}

static void *try_wait_lock(void *context) {
  LONGLONG *timeout = (LONGLONG *)context;
  NTSTATUS status = WdfWaitLockAcquire(my.wait, timeout);
  if (status == STATUS_SUCCESS) WdfWaitLockRelease(my.wait);
  return (void *)(LONG_PTR)status;
}

static NTSTATUS elsewhere(LONGLONG *timeout) {
  pthread_t thread;
  void *status;
  pthread_create(&thread, NULL, try_wait_lock, timeout);
  pthread_join(thread, &status);
  return (NTSTATUS)(LONG_PTR)status;
}

TEST(W25_wait_locks) {
  prepare(FALSE, FALSE), add(0);
  CHECK(WDF_REL_TIMEOUT_IN_MS(5) == -50000 && WDF_REL_TIMEOUT_IN_SEC(2) == -20000000 && WDF_REL_TIMEOUT_IN_US(3) == -30);
  CHECK(WDF_ABS_TIMEOUT_IN_MS(5) == 50000 && WDF_ABS_TIMEOUT_IN_SEC(2) == 20000000 && WDF_ABS_TIMEOUT_IN_US(3) == 30);
  LONGLONG zero = 0, little = WDF_REL_TIMEOUT_IN_MS(2), past = 1, long_time = WDF_REL_TIMEOUT_IN_SEC(60);
  LONGLONG year_3000 = WDF_ABS_TIMEOUT_IN_SEC(44000000000ull);
  CHECK(WdfWaitLockAcquire(my.wait, NULL) == STATUS_SUCCESS && KeGetCurrentIrql() == PASSIVE_LEVEL);
  CHECK(elsewhere(&zero) == STATUS_TIMEOUT && elsewhere(&little) == STATUS_TIMEOUT && elsewhere(&past) == STATUS_TIMEOUT);
  CHECK(NT_SUCCESS(STATUS_TIMEOUT) && WdfWaitLockAcquire(my.wait, &long_time) == STATUS_TIMEOUT && reports == 0);
  CHECK(WdfWaitLockAcquire(my.wait, NULL) == STATUS_POSSIBLE_DEADLOCK && reported("WdfWaitLockAcquire", "W25"));
  WdfWaitLockRelease(my.wait);
  CHECK(elsewhere(NULL) == STATUS_SUCCESS && elsewhere(&long_time) == STATUS_SUCCESS && elsewhere(&zero) == STATUS_SUCCESS);
  CHECK(elsewhere(&year_3000) == STATUS_SUCCESS && reports == 0);
  WdfWaitLockRelease(my.wait);
  CHECK(reported("WdfWaitLockRelease", "W25"));
  KIRQL level = KeRaiseIrqlToDpcLevel();
  CHECK(WdfWaitLockAcquire(my.wait, &zero) == STATUS_SUCCESS && reports == 0);
  WdfWaitLockRelease(my.wait);
  CHECK(WdfWaitLockAcquire(my.wait, NULL) == STATUS_INVALID_DEVICE_STATE && reported("WdfWaitLockAcquire", "4.6"));
  KeLowerIrql(level);
  CHECK(WdfWaitLockAcquire(NULL, NULL) == STATUS_INVALID_HANDLE && reported("WdfWaitLockAcquire", "N27"));
  end();
}
