// WDM: the timer of a device object. Compiled as C and as C++.
#include "wdm.h"

#include "check.h"

#include <time.h>

static struct {
  PDEVICE_OBJECT device;
  LONG calls, inside, is_stopping, stays, stops;
  LONGLONG first, last;
  KIRQL level;
  sem_t called;
} my;

static LONGLONG now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (LONGLONG)time.tv_sec * 1000000000 + time.tv_nsec;
}

static LONG value(LONG *place) { return InterlockedAdd(place, 0); }

static VOID tick(PDEVICE_OBJECT device, PVOID context) {
  CHECK(device == my.device && context == &my);
  InterlockedExchange(&my.inside, 1);
  my.level = KeGetCurrentIrql();
  my.last = now();
  if (InterlockedIncrement(&my.calls) == 1) my.first = my.last;
  if (my.stops) IoStopTimer(device);
  sem_post(&my.called);
  if (my.stays) {
    while (!value(&my.is_stopping)) KeStallExecutionProcessor(10);
    KeStallExecutionProcessor(20000);
  }
  InterlockedExchange(&my.inside, 0);
}

static VOID tock(PDEVICE_OBJECT device, PVOID context) {
  (void)device;
  sem_post((sem_t *)context);
}

static void prepare(void) {
  memset(&my, 0, sizeof my);
  sem_init(&my.called, 0, 0);
  my.device = software_device(1);
  CHECK(my.device->Timer == NULL && IoInitializeTimer(my.device, tick, &my) == STATUS_SUCCESS && my.device->Timer);
}

static void end(void) { InterruptSyncDeleteDevice(my.device); }

// Waits for two ticks of a timer of its own.
static void two_seconds(void) {
  sem_t clock;
  sem_init(&clock, 0, 0);
  PDEVICE_OBJECT other = software_device(1);
  CHECK(IoInitializeTimer(other, tock, &clock) == STATUS_SUCCESS);
  IoStartTimer(other);
  sem_wait(&clock), sem_wait(&clock);
  IoStopTimer(other);
  InterruptSyncDeleteDevice(other);
}

TEST(D16_the_routine_runs_once_a_second_until_it_is_stopped) {
  prepare();
  LONGLONG begin = now();
  IoStartTimer(my.device);
  IoStartTimer(my.device);
  sem_wait(&my.called), sem_wait(&my.called);
  KIRQL level = KeRaiseIrqlToDpcLevel();
  IoStopTimer(my.device);
  KeLowerIrql(level);
  CHECK(my.level == DISPATCH_LEVEL && my.first - begin >= 1000000000 && my.last - begin >= 2000000000);
  LONG calls = value(&my.calls);
  two_seconds();
  CHECK(value(&my.calls) == calls);
  IoStopTimer(my.device);
  IoStartTimer(my.device);
  sem_wait(&my.called);
  CHECK(value(&my.calls) == calls + 1 && reports == 0);
  end();
}

static void stop_while_it_runs(BOOLEAN by_deletion) {
  prepare(), my.stays = 1;
  IoStartTimer(my.device);
  sem_wait(&my.called);
  CHECK(value(&my.inside));
  InterlockedExchange(&my.is_stopping, 1);
  if (by_deletion) end();
  else IoStopTimer(my.device);
  CHECK(!value(&my.inside) && value(&my.calls) == 1 && reports == 0);
}

TEST(D16_stopping_waits_for_a_running_routine) {
  stop_while_it_runs(FALSE);
  end();
}

TEST(D16_a_timer_ends_with_its_device) { stop_while_it_runs(TRUE); }

TEST(D16_the_routine_must_not_stop_its_timer) {
  prepare(), my.stops = 1;
  IoStartTimer(my.device);
  await_report();
  CHECK(reported("IoStopTimer", "D16"));
  two_seconds();
  CHECK(value(&my.calls) == 1 && reports == 0);
  end();
}

TEST(D16_initializing_again_changes_routine_and_context) {
  prepare();
  sem_t other;
  sem_init(&other, 0, 0);
  PIO_TIMER timer = my.device->Timer;
  IoStartTimer(my.device);
  CHECK(IoInitializeTimer(my.device, tock, &other) == STATUS_SUCCESS && my.device->Timer == timer);
  sem_wait(&other);
  IoStopTimer(my.device);
  CHECK(value(&my.calls) == 0 && reports == 0);
  end();
}

TEST(D16_misuses_are_reported) {
  PDEVICE_OBJECT bare = software_device(1);
  IoStartTimer(bare);
  CHECK(reported("IoStartTimer", "D16"));
  IoStopTimer(bare);
  CHECK(reported("IoStopTimer", "D16"));
  CHECK(IoInitializeTimer(bare, NULL, NULL) == STATUS_INVALID_PARAMETER && reports == 0);
  KIRQL level = KeRaiseIrqlToDpcLevel();
  CHECK(IoInitializeTimer(bare, tick, &my) == STATUS_INVALID_DEVICE_STATE && reported("IoInitializeTimer", "4.6"));
  KeLowerIrql(level);
  prepare();
  KeRaiseIrql(DISPATCH_LEVEL + 1, &level);
  IoStartTimer(my.device);
  CHECK(reported("IoStartTimer", "4.6"));
  IoStopTimer(my.device);
  CHECK(reported("IoStopTimer", "4.6"));
  KeLowerIrql(level);
  InterruptSyncDeleteDevice(bare);
  end();
  CHECK(reports == 0);
}
