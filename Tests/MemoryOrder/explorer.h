// An explorer of weak memory order: it runs a scenario's threads in every order of their atomic operations, and has
// each load return every value that C11 lets it return, not only the newest. The code is that of Sources, compiled with
// the thread sanitizer's instrumentation, whose calls end in hooks.c and not in the sanitizer. A plain access that is
// not ordered against another thread's is a data race, which is a failure.
//
// It knows C11's coherence, release and acquire with release sequences and fences, and sequential consistency of
// operations and fences. It leaves out a load that sees what its thread's own later store leads to, and stores to one
// place in an order in which they were not executed: see docs/memory-order.md.
#ifndef EXPLORER_H
#define EXPLORER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPLORER_THREADS 3

/// Memory that the threads of a scenario share, and what they do with it.
typedef struct {
  const char *name;
  /// Before each execution, with all shared memory zero. May be NULL.
  void (*setup)(void);
  void (*threads[EXPLORER_THREADS])(void);
  /// After each execution: whether all is as it has to be. May be NULL.
  bool (*holds)(void);
} explorer_scenario;

extern const explorer_scenario explorer_scenarios[];
extern const size_t explorer_scenario_count;

/// What the threads of a scenario share. Plain accesses elsewhere are a thread's own.
extern void *const explorer_shared;
extern const size_t explorer_shared_size;

/// Which thread runs, from 0; -1 outside of an execution.
int explorer_thread(void);

/// Ends the exploration with a failure unless it holds.
void explorer_require(bool holds, const char *text);
#define REQUIRE(condition) explorer_require(condition, #condition)

/// The place in the source of the atomic operation that comes next; no file: it is the kernel's.
void explorer_at(const char *file, const char *function, const char *operation, int line, int order);

uint64_t explorer_load(const volatile void *address, size_t size, int order);
void explorer_store(volatile void *address, size_t size, uint64_t value, int order);
/// Replaces the newest value by what `change` makes of it and the operand. Returns the value before.
uint64_t explorer_change(volatile void *address, size_t size, uint64_t (*change)(uint64_t, uint64_t), uint64_t operand,
                         int order);
bool explorer_compare(volatile void *address, size_t size, uint64_t *expected, uint64_t value, int order,
                      int otherwise);
void explorer_fence(int order);

/// A plain access.
void explorer_access(const volatile void *address, size_t size, bool writes);

/// Sleeps in the kernel until `may_go_on`, which asks about the thread that sleeps.
void explorer_sleep(const volatile void *address, bool (*may_go_on)(int thread));

#endif
