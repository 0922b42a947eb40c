// Floor 5, room Kernel. Timers (D11). Drivers and the framework's timers call it, on any thread up to DISPATCH_LEVEL.
// Each clock has a list of the timers that are set, earliest first, and a timerfd that wakes the thread `timer` when
// the earliest is due; it only queues the DPC, which runs on the deferred queue `dpc`. The objects' lock covers the
// state, the lists and the queueing of the DPC, so that a timer that was cancelled, or set again, cannot expire for its
// old time. Release it before you report.
#include "dispatcher_objects.h"

#include "linux_thread.h"

#include <poll.h>
#include <sys/timerfd.h>
#include <unistd.h>

typedef struct {
  clockid_t clock;
  int fd;
  LIST_ENTRY timers;
} timer_queue;

enum { MONOTONIC, REALTIME, QUEUES };
static timer_queue queues[QUEUES] = {
    {CLOCK_MONOTONIC, -1, {&queues[MONOTONIC].timers, &queues[MONOTONIC].timers}},
    {CLOCK_REALTIME, -1, {&queues[REALTIME].timers, &queues[REALTIME].timers}}};
static bool has_thread;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static KTIMER *timer_at(PLIST_ENTRY entry) { return CONTAINING_RECORD(entry, KTIMER, TimerListEntry); }

// Wakes the thread at the time of the queue's first timer. Zero stops a timerfd, so a time of zero becomes one.
static void arm(timer_queue *queue) {
  struct itimerspec at = {0};
  if (!IsListEmpty(&queue->timers)) {
    ULONGLONG due = timer_at(queue->timers.Flink)->DueTime;
    at.it_value.tv_sec = (time_t)(due / 1000000000);
    at.it_value.tv_nsec = due ? (long)(due % 1000000000) : 1;
  }
  timerfd_settime(queue->fd, TFD_TIMER_ABSTIME, &at, NULL);
}

static void insert(PKTIMER timer, UCHAR clock) {
  timer_queue *queue = &queues[clock];
  PLIST_ENTRY before = queue->timers.Blink;
  while (before != &queue->timers && timer_at(before)->DueTime > timer->DueTime) before = before->Blink;
  InsertHeadList(before, &timer->TimerListEntry);
  timer->IsSet = TRUE;
  timer->Clock = clock;
  if (before == &queue->timers) arm(queue);
}

static bool take_out(PKTIMER timer) {
  if (!timer->IsSet) return false;
  timer_queue *queue = &queues[timer->Clock];
  bool first = queue->timers.Flink == &timer->TimerListEntry;
  RemoveEntryList(&timer->TimerListEntry);
  timer->IsSet = FALSE;
  if (first) arm(queue);
  return true;
}

// `late`: how long ago it was due. False: its DPC is no longer initialised.
static bool expire(PKTIMER timer, ULONGLONG late) {
  if (timer->Period) {
    // Skips the times that have passed already.
    ULONGLONG period = (ULONGLONG)timer->Period * 1000000;
    timer->DueTime = isw_clock_now(CLOCK_MONOTONIC) + period - late % period;
    insert(timer, MONOTONIC);
  }
  timer->Header.SignalState = 1;
  PKDPC dpc = timer->Dpc;
  bool is_dpc = !dpc || dpc->Queued;
  if (dpc && is_dpc) KeInsertQueueDpc(dpc, NULL, NULL);
  isw_object_wake(&timer->Header);
  return is_dpc;
}

static bool expire_due(timer_queue *queue) {
  bool fine = true;
  ULONGLONG now = isw_clock_now(queue->clock);
  while (!IsListEmpty(&queue->timers)) {
    PKTIMER timer = timer_at(queue->timers.Flink);
    if (timer->DueTime > now) break;
    RemoveEntryList(&timer->TimerListEntry);
    timer->IsSet = FALSE;
    fine &= expire(timer, now - timer->DueTime);
  }
  arm(queue);
  return fine;
}

static void *run(void *unused) {
  cuio_thread_set_level(DISPATCH_LEVEL);
  struct pollfd fds[QUEUES] = {{.fd = queues[MONOTONIC].fd, .events = POLLIN},
                               {.fd = queues[REALTIME].fd, .events = POLLIN}};
  while (true) {
    if (poll(fds, QUEUES, -1) < 0) continue;
    bool fine = true;
    isw_objects_lock();
    for (int i = 0; i < QUEUES; i++) {
      uint64_t expirations;
      ssize_t got = read(queues[i].fd, &expirations, sizeof expirations);
      (void)got;
      fine &= expire_due(&queues[i]);
    }
    isw_objects_unlock();
    if (!fine) InterruptSyncReportViolation("KeSetTimer", "D1", "the timer's DPC is no longer initialised");
  }
  return unused;
}

static void start(void) {
  pthread_t thread;
  for (int i = 0; i < QUEUES; i++) {
    queues[i].fd = timerfd_create(queues[i].clock, TFD_CLOEXEC | TFD_NONBLOCK);
    if (queues[i].fd < 0) return;
  }
  if (linux_thread_create(&thread, 0, run, NULL) != 0) return;
  linux_thread_set_name(thread, "timer");
  linux_thread_detach(thread);
  has_thread = true;
}

static bool is_inside(const void *place, const void *begin, size_t length) {
  return (uintptr_t)place >= (uintptr_t)begin && (uintptr_t)place - (uintptr_t)begin < length;
}

ULONG isw_timers_forget(const void *address, size_t length) {
  ULONG found = 0;
  isw_objects_lock();
  for (int i = 0; i < QUEUES; i++) {
    for (PLIST_ENTRY e = queues[i].timers.Flink, next; e != &queues[i].timers; e = next) {
      next = e->Flink;
      if (!is_inside(timer_at(e), address, length) && !is_inside(timer_at(e)->Dpc, address, length)) continue;
      take_out(timer_at(e));
      found++;
    }
  }
  isw_objects_unlock();
  return found;
}

VOID KeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type) {
  pthread_once(&once, start);
  // By address: the memory may hold anything.
  isw_timers_forget(Timer, 1);
  *Timer = (KTIMER){.Period = 0};
  isw_object_initialize(&Timer->Header, Type == NotificationTimer ? ISW_NOTIFICATION_TIMER : ISW_SYNCHRONIZATION_TIMER,
                        0);
}

VOID KeInitializeTimer(PKTIMER Timer) { KeInitializeTimerEx(Timer, NotificationTimer); }

static BOOLEAN set(PCSTR call, PKTIMER timer, LONGLONG due, LONG period, PKDPC dpc) {
  if (!isw_object_may_change(&timer->Header, ISW_TIMERS, call, "D11", FALSE)) return FALSE;
  if (!has_thread || period < 0 || (dpc && !dpc->Queued)) {
    InterruptSyncReportViolation(call, !has_thread ? "N16" : period < 0 ? "D11" : "D1",
                                 !has_thread  ? "cannot create a thread or timerfd for timers; the timer is not set"
                                 : period < 0 ? "the period is negative; the timer is not set"
                                              : "the DPC has not been initialised; the timer is not set");
    return FALSE;
  }
  clockid_t clock;
  isw_objects_lock();
  bool was_set = take_out(timer);
  timer->Header.SignalState = 0;
  timer->Period = period;
  timer->Dpc = dpc;
  timer->DueTime = isw_due_time(due, &clock);
  if (timer->DueTime <= isw_clock_now(clock)) expire(timer, 0);
  else insert(timer, clock == CLOCK_MONOTONIC ? MONOTONIC : REALTIME);
  isw_objects_unlock();
  return was_set;
}

BOOLEAN KeSetTimer(PKTIMER Timer, LARGE_INTEGER DueTime, PKDPC Dpc) {
  return set("KeSetTimer", Timer, DueTime.QuadPart, 0, Dpc);
}

BOOLEAN KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER DueTime, LONG Period, PKDPC Dpc) {
  return set("KeSetTimerEx", Timer, DueTime.QuadPart, Period, Dpc);
}

BOOLEAN KeCancelTimer(PKTIMER Timer) {
  if (!isw_object_may_change(&Timer->Header, ISW_TIMERS, "KeCancelTimer", "D11", FALSE)) return FALSE;
  isw_objects_lock();
  bool was_set = take_out(Timer);
  isw_objects_unlock();
  return was_set;
}

BOOLEAN KeReadStateTimer(PKTIMER Timer) {
  return isw_object_is(&Timer->Header, ISW_TIMERS, "KeReadStateTimer", "D11") &&
         isw_object_state(&Timer->Header) > 0;
}
