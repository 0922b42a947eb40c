// One execution of a scenario, in the memory of C11: see explorer.h. Threads are fibers, of which one runs at a time,
// and stops before each atomic operation. A place of memory keeps every value that it has had; what a thread may still
// read of them is what its view allows.
#define _GNU_SOURCE
#include "explorer.h"
#include "kernel.h"
#include "search.h"

#include "cuio_thread_state.h"

#include <setjmp.h>
#include <string.h>
#include <ucontext.h>

enum { PLACES = 24, VALUES = 48, STACK = 1 << 16, SHARED = 8192 };

/// How far a thread has seen each thread and each place.
typedef struct {
  uint16_t clock[EXPLORER_THREADS];
  uint8_t seen[PLACES];
} view;

typedef struct {
  uint64_t value;
  view view;
} message;

typedef struct {
  volatile void *address;
  size_t size;
  uint64_t initial;
  int count;
  message messages[VALUES];
} place;

typedef struct {
  // `acquired`: what a fence would add to the view. `released`: the view at the last fence, which relaxed stores give
  // on.
  view now, acquired, released;
  operation pending;
  bool (*may_go_on)(int thread);
  bool has_ended;
  // Where it begins, and once it has, where it stopped: swapcontext(3) makes a system call each time.
  ucontext_t context;
  jmp_buf stopped;
  bool has_begun;
  struct cuio_thread_state state;
} fiber;

static const explorer_scenario *scenario;
static place places[PLACES];
static int place_count;
static fiber fibers[EXPLORER_THREADS];
static char stacks[EXPLORER_THREADS][STACK] __attribute__((aligned(16)));
static int running = -1;
static jmp_buf scheduler;
static const char *failure;
// The order of all sequentially consistent operations: what each of them that comes now must have seen.
static view consistent;
// Of shared memory, by byte: the last write, and the last read of each thread.
static struct { uint16_t clock; int8_t thread; } written[SHARED];
static uint16_t was_read[SHARED][EXPLORER_THREADS];

int explorer_thread(void) { return running; }

static void leave(void) {
  fiber *f = &fibers[running];
  f->state = cuio_thread_state;
  if (_setjmp(f->stopped) == 0) _longjmp(scheduler, 1);
}

static void fail(const char *text) {
  if (failure == NULL) failure = text;
  if (running >= 0) leave();
}

void explorer_require(bool holds, const char *text) {
  if (!holds) fail(text);
}

static bool acquires(int order) {
  return order == __ATOMIC_ACQUIRE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}
static bool releases(int order) { return order >= __ATOMIC_RELEASE; }

static void merge(view *into, const view *from) {
  for (int i = 0; i < EXPLORER_THREADS; i++)
    if (into->clock[i] < from->clock[i]) into->clock[i] = from->clock[i];
  for (int i = 0; i < place_count; i++)
    if (into->seen[i] < from->seen[i]) into->seen[i] = from->seen[i];
}

static void see(view *v, int where, int index) {
  if (v->seen[where] < index) v->seen[where] = (uint8_t)index;
}

// MARK: Memory

static uint64_t direct(const volatile void *address, size_t size) {
  uint64_t value = 0;
  memcpy(&value, (const void *)(uintptr_t)address, size);
  return value;
}

static void put(volatile void *address, size_t size, uint64_t value) {
  memcpy((void *)(uintptr_t)address, &value, size);
}

static int place_of(const volatile void *address, size_t size) {
  for (int i = 0; i < place_count; i++)
    if (places[i].address == address) return i;
  if (place_count == PLACES) return fail("more atomic places than there is room for"), 0;
  uint64_t value = direct(address, size);
  place *p = &places[place_count];
  *p = (place){.address = (volatile void *)(uintptr_t)address, .size = size, .initial = value, .count = 1};
  p->messages[0].value = value;
  return place_count++;
}

/// Lets the others run first, as the search has it. Returns the order, which may be weakened.
static int before(operation_kind kind, const volatile void *address, int order) {
  fiber *f = &fibers[running];
  f->pending = (operation){.kind = kind, .address = address, .site = search_site(), .order = search_order(order)};
  leave();
  search_set_site(f->pending.site);
  return f->pending.order;
}

static uint64_t take(int where, int index, int order) {
  fiber *f = &fibers[running];
  message *m = &places[where].messages[index];
  see(&f->now, where, index);
  merge(&f->acquired, &m->view);
  if (acquires(order)) merge(&f->now, &m->view);
  return m->value;
}

/// A new value, after `earlier` of a release sequence or NULL.
static void give(int where, uint64_t value, int order, const view *earlier) {
  fiber *f = &fibers[running];
  place *p = &places[where];
  if (p->count == VALUES) return fail("more values than there is room for");
  int index = p->count;
  see(&f->now, where, index);
  view v = releases(order) ? f->now : f->released;
  see(&v, where, index);
  if (earlier != NULL) merge(&v, earlier);
  p->messages[p->count++] = (message){.value = value, .view = v};
  put(p->address, p->size, value);
  if (order == __ATOMIC_SEQ_CST) see(&consistent, where, index);
  f->now.clock[running]++;
}

/// The oldest value that the thread may read.
static int oldest(int where, int order) {
  int known = fibers[running].now.seen[where], needed = order == __ATOMIC_SEQ_CST ? consistent.seen[where] : 0;
  return known > needed ? known : needed;
}

uint64_t explorer_load(const volatile void *address, size_t size, int order) {
  if (running < 0) return direct(address, size);
  order = before(OPERATION_LOAD, address, order);
  int where = place_of(address, size), count = places[where].count;
  int index = count - 1 - search_choose(count - oldest(where, order));
  uint64_t value = take(where, index, order);
  search_note(running, value, index, count);
  return value;
}

void explorer_store(volatile void *address, size_t size, uint64_t value, int order) {
  if (running < 0) return put(address, size, value);
  order = before(OPERATION_STORE, address, order);
  int where = place_of(address, size);
  give(where, value, order, NULL);
  search_note(running, value, places[where].count - 1, places[where].count);
}

static uint64_t changed(int where, uint64_t value, int order) {
  place *p = &places[where];
  int newest = p->count - 1;
  uint64_t old = take(where, newest, order);
  give(where, value, order, &p->messages[newest].view);
  search_note(running, value, newest + 1, p->count);
  return old;
}

uint64_t explorer_change(volatile void *address, size_t size, uint64_t (*change)(uint64_t, uint64_t), uint64_t operand,
                         int order) {
  if (running < 0) {
    uint64_t old = direct(address, size);
    put(address, size, change(old, operand));
    return old;
  }
  order = before(OPERATION_CHANGE, address, order);
  int where = place_of(address, size);
  return changed(where, change(places[where].messages[places[where].count - 1].value, operand), order);
}

bool explorer_compare(volatile void *address, size_t size, uint64_t *expected, uint64_t value, int order,
                      int otherwise) {
  if (running < 0) {
    uint64_t old = direct(address, size);
    if (old == *expected) return put(address, size, value), true;
    *expected = old;
    return false;
  }
  order = before(OPERATION_CHANGE, address, order);
  int where = place_of(address, size), count = places[where].count, candidates[VALUES], found = 0;
  // Success takes the newest value; what fails is a load, which may see an older one.
  for (int index = count - 1; index >= oldest(where, order); index--)
    if (index == count - 1 || places[where].messages[index].value != *expected) candidates[found++] = index;
  int index = candidates[search_choose(found)];
  if (places[where].messages[index].value == *expected) return changed(where, value, order), true;
  *expected = take(where, index, otherwise);
  search_note(running, *expected, index, count);
  return false;
}

void explorer_fence(int order) {
  if (running < 0) return;
  order = before(OPERATION_FENCE, NULL, order);
  fiber *f = &fibers[running];
  if (acquires(order)) merge(&f->now, &f->acquired);
  if (order == __ATOMIC_SEQ_CST) {
    view both = f->now;
    merge(&both, &consistent);
    memcpy(f->now.seen, both.seen, sizeof both.seen);
    memcpy(consistent.seen, both.seen, sizeof both.seen);
  }
  if (releases(order)) f->released = f->now;
  f->now.clock[running]++;
  search_note(running, 0, 0, 1);
}

void explorer_sleep(const volatile void *address, bool (*may_go_on)(int thread)) {
  explorer_at(NULL, NULL, NULL, 0, 0);
  fibers[running].may_go_on = may_go_on;
  before(OPERATION_CHANGE, address, __ATOMIC_RELAXED);
  fibers[running].may_go_on = NULL;
}

void explorer_access(const volatile void *address, size_t size, bool writes) {
  ptrdiff_t start = (const volatile char *)address - (const volatile char *)explorer_shared;
  if (running < 0 || start < 0 || start >= (ptrdiff_t)explorer_shared_size) return;
  const view *now = &fibers[running].now;
  for (ptrdiff_t i = start; i < start + (ptrdiff_t)size; i++) {
    int writer = written[i].thread - 1;
    if (writer >= 0 && writer != running && written[i].clock > now->clock[writer]) fail("a data race with a write");
    for (int t = 0; writes && t < EXPLORER_THREADS; t++)
      if (t != running && was_read[i][t] > now->clock[t]) fail("a data race with a read");
    if (!writes) {
      was_read[i][running] = now->clock[running];
      continue;
    }
    written[i].clock = now->clock[running];
    written[i].thread = (int8_t)(running + 1);
  }
}

// MARK: Executions

static void begin(void) {
  scenario->threads[running]();
  fibers[running].has_ended = true;
  leave();
}

static void resume(int thread) {
  fiber *f = &fibers[thread];
  running = thread;
  cuio_thread_state = f->state;
  if (_setjmp(scheduler) == 0) {
    if (f->has_begun) _longjmp(f->stopped, 1);
    f->has_begun = true;
    setcontext(&f->context);
  }
  running = -1;
}

static void prepare(void) {
  // Memory outside of what is shared, too.
  for (int i = 0; i < place_count; i++) put(places[i].address, places[i].size, places[i].initial);
  place_count = 0;
  failure = NULL;
  memset(explorer_shared, 0, explorer_shared_size);
  memset(&consistent, 0, sizeof consistent);
  kernel_reset(NULL);
  if (scenario->setup) scenario->setup();
  memset(written, 0, sizeof written);
  memset(was_read, 0, sizeof was_read);
  for (int i = 0; i < EXPLORER_THREADS && scenario->threads[i]; i++) {
    fiber *f = &fibers[i];
    *f = (fiber){.state.tid = (uint32_t)(100 + i)};
    // So that 0 is earlier than everything.
    f->now.clock[i] = 1;
    getcontext(&f->context);
    f->context.uc_stack = (stack_t){.ss_sp = stacks[i], .ss_size = STACK};
    makecontext(&f->context, begin, 0);
  }
}

const char *explorer_execute(const explorer_scenario *explored) {
  operation pending[EXPLORER_THREADS];
  scenario = explored;
  prepare();
  for (int i = 0; i < EXPLORER_THREADS && scenario->threads[i] && failure == NULL; i++) resume(i);
  while (failure == NULL) {
    unsigned may_run = 0, lives = 0;
    for (int i = 0; i < EXPLORER_THREADS && scenario->threads[i]; i++) {
      pending[i] = fibers[i].pending;
      if (fibers[i].has_ended) continue;
      lives++;
      if (fibers[i].may_go_on == NULL || fibers[i].may_go_on(i)) may_run |= 1u << i;
    }
    if (lives == 0) break;
    if (may_run == 0) return "a thread sleeps and nothing will wake it";
    int next = search_choose_thread(may_run, pending);
    // Another execution has what would follow.
    if (next < 0) return NULL;
    resume(next);
  }
  if (failure == NULL && scenario->holds && !scenario->holds()) failure = "what must hold in the end does not";
  return failure;
}
