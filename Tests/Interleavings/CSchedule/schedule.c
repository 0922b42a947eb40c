// One thread has the turn. At its next pause point it looks which threads could go on, chooses one, and hands the turn
// over; so what follows is written by one thread at a time, and each semaphore orders the writes before it.
#include "schedule.h"

#include "linux_pause.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_STEPS = 20000, PATIENCE = 20, LOOKS = 3000 };

typedef struct thread {
  sem_t turn;
  pthread_t handle;
  const char *point;
  linux_pause_condition *condition;
  const void *object;
  uint64_t argument;
  bool is_present, has_ended;
} thread;

static thread threads[SCHEDULE_THREADS];
static int count, steps, scripts_left;
static uint64_t began;
static sem_t arrived, done, released;
static int waiting;
static bool is_controlled, has_choices, is_first_choice;
static schedule_run *run;
static schedule_result result;
// Of which run the thread is, and its number in it: a thread that outlives its run has no turns any more.
static int run_number;
static _Thread_local int own_run, self;

static bool takes_turns(void) { return is_controlled && own_run == run_number; }

static bool can_go_on(const thread *one) {
  if (!one->is_present || one->has_ended) return false;
  return one->condition == NULL || one->condition(one->object, one->argument);
}

static void take_turn(void) {
  while (sem_wait(&threads[self].turn) != 0) continue;
  if (!is_controlled) sem_post(&released);
}

// The run ends here: the thread that plays it goes on, and this one waits for ever unless all run freely.
static void give_up(schedule_result why) {
  result = why;
  sem_post(&done);
  take_turn();
}

// The calling thread comes first. Returns how many there are.
static int find_able(int able[SCHEDULE_THREADS]) {
  int found = 0;
  if (can_go_on(&threads[self])) able[found++] = self;
  for (int i = 0; i < count; i++)
    if (i != self && can_go_on(&threads[i])) able[found++] = i;
  return found;
}

// A mutex of the whole process may be held by a thread without turns, of an earlier run perhaps. It lets go by itself,
// so threads wait for one another only if none can go on for a while.
static int wait_for_able(int able[SCHEDULE_THREADS]) {
  int found = find_able(able);
  for (int looks = 0; found == 0 && looks < LOOKS; looks++) {
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    found = find_able(able);
  }
  return found;
}

static int choose(void) {
  int able[SCHEDULE_THREADS], found = wait_for_able(able);
  bool keeps = found > 0 && able[0] == self;
  if (found == 0) return -1;
  if (is_first_choice) keeps = is_first_choice = false;
  if (!has_choices || found == 1 || (keeps && run->preemptions == run->most_preemptions)) return able[0];
  if (run->taken == SCHEDULE_CHOICES) return able[0];
  size_t place = run->taken++;
  if (place >= run->given) run->chosen[place] = 0;
  run->options[place] = (uint16_t)found;
  if (run->chosen[place] >= found) {
    result = SCHEDULE_DIVERGED;
    return -1;
  }
  if (keeps && run->chosen[place] != 0) run->preemptions++;
  return able[run->chosen[place]];
}

// The turn goes to the thread that is chosen, perhaps the calling one.
static void hand_over(void) {
  int next = choose();
  if (next < 0) return give_up(result == SCHEDULE_DIVERGED ? result : SCHEDULE_DEADLOCK);
  if (++steps > MOST_STEPS) return give_up(SCHEDULE_ENDLESS);
  if (run->traces) printf("  %c goes on from: %s\n", 'A' + next, threads[next].point);
  if (next == self) return;
  // Once the turn has gone, the run may end, and the next one begin.
  bool stays = !threads[self].has_ended;
  sem_post(&threads[next].turn);
  if (stays) take_turn();
}

static void pause_thread(const char *point, linux_pause_condition *condition, const void *object, uint64_t argument) {
  if (!takes_turns()) return;
  thread *mine = &threads[self];
  if (run->looks_late && condition != NULL && strcmp(point, "wait") == 0) {
    // As if it read the count of changes only now that the mutex is free.
    pause_thread("late look", NULL, NULL, 0);
    argument = *(const uint32_t *)object;
  }
  mine->point = point;
  mine->condition = condition;
  mine->object = object;
  mine->argument = argument;
  hand_over();
}

static void begin(void) {
  if (!is_controlled) return;
  if (count == SCHEDULE_THREADS) abort();
  own_run = run_number;
  self = count;
  thread *mine = &threads[self];
  mine->handle = pthread_self();
  mine->point = "its beginning";
  mine->condition = NULL;
  mine->has_ended = false;
  mine->is_present = true;
  count++;
  sem_post(&arrived);
  take_turn();
}

static void created(void) {
  if (!takes_turns()) return;
  while (sem_wait(&arrived) != 0) continue;
}

static void end(void) {
  if (!takes_turns()) return;
  threads[self].has_ended = true;
  threads[self].point = "its end";
  hand_over();
}

static bool has_ended(const void *one, uint64_t unused) {
  (void)unused;
  return ((const thread *)one)->has_ended;
}

static void join(pthread_t handle) {
  if (!takes_turns()) return;
  // The newest: a thread that has ended may have had the same address.
  for (int i = count - 1; i >= 0; i--)
    if (pthread_equal(threads[i].handle, handle)) return pause_thread("join", has_ended, &threads[i], 0);
}

// It stands still while threads take turns.
static uint64_t now(uint64_t nanoseconds) {
  if (!takes_turns()) return nanoseconds;
  if (began == 0) began = nanoseconds;
  return began;
}

static const linux_pause_hooks hooks = {pause_thread, created, begin, end, now, join};

typedef struct script {
  void (*body)(void *);
  void *context;
} script;

static void *perform(void *memory) {
  const script *mine = memory;
  begin();
  mine->body(mine->context);
  if (--scripts_left == 0) {
    is_controlled = false;
    waiting = 0;
    for (int i = 0; i < count; i++)
      if (i != self && !threads[i].has_ended) waiting++, sem_post(&threads[i].turn);
    sem_post(&done);
  }
  end();
  return NULL;
}

schedule_result schedule_play(schedule_run *played, void (*first)(void *), void (*second)(void *), void *context) {
  script scripts[] = {{first, context}, {second, context}};
  pthread_t handles[2];
  run = played;
  run->taken = 0;
  run->preemptions = 0;
  count = steps = 0;
  began = 0;
  run_number++;
  result = SCHEDULE_ENDED;
  has_choices = false;
  scripts_left = 2;
  sem_init(&arrived, 0, 0);
  sem_init(&done, 0, 0);
  sem_init(&released, 0, 0);
  for (int i = 0; i < SCHEDULE_THREADS; i++) {
    sem_init(&threads[i].turn, 0, 0);
    threads[i].is_present = false;
  }
  linux_pause_hooked = &hooks;
  is_controlled = true;
  for (int i = 0; i < 2; i++) {
    if (pthread_create(&handles[i], NULL, perform, &scripts[i]) != 0) abort();
    while (sem_wait(&arrived) != 0) continue;
  }
  sem_post(&threads[0].turn);
  struct timespec deadline;
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += PATIENCE;
  while (sem_timedwait(&done, &deadline) != 0)
    if (errno == ETIMEDOUT) return SCHEDULE_STUCK;
  if (result != SCHEDULE_ENDED) return result;
  for (int i = 0; i < 2; i++) pthread_join(handles[i], NULL);
  // The next run uses the semaphores again.
  while (waiting > 0)
    if (sem_wait(&released) == 0) waiting--;
  return result;
}

void schedule_begin_choices(void) {
  has_choices = is_first_choice = true;
  pause_thread("its call", NULL, NULL, 0);
}

void schedule_pause(const char *point) { pause_thread(point, NULL, NULL, 0); }

static bool is_up(const void *flag, uint64_t unused) {
  (void)unused;
  return __atomic_load_n((const uint32_t *)flag, __ATOMIC_ACQUIRE) != 0;
}

void schedule_pause_until(const char *point, const uint32_t *flag) { pause_thread(point, is_up, flag, 0); }

void schedule_print_threads(void) {
  for (int i = 0; i < count; i++)
    if (!threads[i].has_ended) printf("  %c is at: %s\n", 'A' + i, threads[i].point);
}
