// The search through all executions of a scenario, and the sites of atomic operations, one of which may be weakened.
#ifndef SEARCH_H
#define SEARCH_H

#include "explorer.h"

typedef enum { OPERATION_LOAD, OPERATION_STORE, OPERATION_CHANGE, OPERATION_FENCE } operation_kind;

/// What a thread does next.
typedef struct {
  operation_kind kind;
  const volatile void *address;
  int order, site;
} operation;

/// Runs the scenario once. Returns what failed, or NULL.
const char *explorer_execute(const explorer_scenario *explored);

/// One of `count`, from 0; each in an execution of its own.
int search_choose(int count);
/// One of the threads in the set; -1 when other executions have all that would follow.
int search_choose_thread(unsigned may_run, const operation *pending);

/// The site of the operation that comes next, and what it comes to when it is executed.
int search_site(void);
void search_set_site(int site);
int search_order(int order);
void search_note(int thread, uint64_t value, int index, int count);

#endif
