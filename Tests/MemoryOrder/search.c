// Every execution of a scenario, by depth: each choice is a node, an execution follows those that are there and adds
// more, and the next one changes the last that has something left. Of two operations whose order makes no difference
// only one order is executed (sleep sets).
//
//   scenarios             every scenario: how many executions it has, or how one fails
//   scenarios --weaken    then each atomic operation that they execute, and which scenario fails when its order is weaker
#include "search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NODES = 512, SITES = 128, LIMIT = 20000000 };

typedef struct {
  bool is_thread;
  uint8_t chosen;
  /// How many values, or the set of threads that may run.
  uint8_t options;
  /// Threads that need not be tried here, and those that have been.
  uint8_t asleep, tried;
} node;

static node nodes[NODES];
static int node_count, depth;
static uint8_t asleep;

static node *follow(node fresh) {
  if (depth == NODES) {
    fprintf(stderr, "an execution has more than %d choices: it does not end\n", NODES);
    exit(2);
  }
  if (depth == node_count) nodes[node_count++] = fresh;
  node *n = &nodes[depth++];
  if (n->is_thread != fresh.is_thread || n->options != fresh.options) {
    fprintf(stderr, "an execution does not repeat what led to it\n");
    exit(2);
  }
  return n;
}

int search_choose(int count) {
  return count < 2 ? 0 : follow((node){.options = (uint8_t)count})->chosen;
}

static bool are_independent(const operation *a, const operation *b) {
  if (a->order == __ATOMIC_SEQ_CST && b->order == __ATOMIC_SEQ_CST) return false;
  if (a->kind == OPERATION_FENCE || b->kind == OPERATION_FENCE) return true;
  return a->address != b->address || (a->kind == OPERATION_LOAD && b->kind == OPERATION_LOAD);
}

int search_choose_thread(unsigned may_run, const operation *pending) {
  unsigned left = may_run & ~asleep;
  if (left == 0) return -1;
  node *n = follow((node){.is_thread = true, .chosen = (uint8_t)__builtin_ctz(left), .options = (uint8_t)may_run,
                          .asleep = asleep});
  asleep = 0;
  for (int i = 0; i < EXPLORER_THREADS; i++)
    if ((n->asleep | n->tried) >> i & 1 && are_independent(&pending[i], &pending[n->chosen]))
      asleep |= (uint8_t)(1 << i);
  return n->chosen;
}

static bool next_execution(void) {
  depth = 0;
  asleep = 0;
  for (; node_count > 0; node_count--) {
    node *n = &nodes[node_count - 1];
    if (!n->is_thread && n->chosen + 1 < n->options) return n->chosen++, true;
    if (!n->is_thread) continue;
    n->tried |= (uint8_t)(1 << n->chosen);
    unsigned left = n->options & ~(unsigned)(n->asleep | n->tried);
    if (left != 0) return n->chosen = (uint8_t)__builtin_ctz(left), true;
  }
  return false;
}

// MARK: Sites

static struct {
  const char *file, *function, *operation;
  int line, order;
  /// The scenarios that execute it.
  uint32_t scenarios;
} sites[SITES];
static size_t explored;
static int site_count, site = -1, weakened = -1, weaker;

void explorer_at(const char *file, const char *function, const char *operation, int line, int order) {
  site = -1;
  if (file == NULL) return;
  const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
  for (site = 0; site < site_count; site++)
    if (sites[site].line == line && !strcmp(sites[site].file, name) && !strcmp(sites[site].operation, operation)) break;
  if (site == SITES) abort();
  if (site == site_count) {
    sites[site_count].file = name;
    sites[site_count].function = function;
    sites[site_count].operation = operation;
    sites[site_count].line = line;
    sites[site_count++].order = order;
  }
  if (explorer_thread() >= 0) sites[site].scenarios |= 1u << explored;
}

int search_site(void) { return site; }
void search_set_site(int of) { site = of; }
int search_order(int order) { return site >= 0 && site == weakened ? weaker : order; }

static struct {
  int thread, site, index, count;
  uint64_t value;
} trace[NODES];
static int trace_count;

void search_note(int thread, uint64_t value, int index, int count) {
  if (trace_count == NODES) return;
  trace[trace_count].thread = thread;
  trace[trace_count].site = site;
  trace[trace_count].index = index;
  trace[trace_count].count = count;
  trace[trace_count++].value = value;
}

static void print_trace(void) {
  for (int i = 0; i < trace_count; i++) {
    int s = trace[i].site;
    printf("  thread %d: ", trace[i].thread);
    if (s < 0) printf("the kernel");
    else printf("%s:%d %s %s", sites[s].file, sites[s].line, sites[s].function, sites[s].operation);
    printf(" %#llx", (unsigned long long)trace[i].value);
    int newer = trace[i].count - 1 - trace[i].index;
    if (newer > 0) printf(", the value before the last %d", newer);
    printf("\n");
  }
}

// MARK: The program

/// How many executions there are, or 0 after one that failed.
static long explore(const explorer_scenario *scenario, bool is_silent) {
  node_count = 0;
  depth = 0;
  asleep = 0;
  for (long executions = 1;; executions++) {
    trace_count = 0;
    const char *failure = explorer_execute(scenario);
    if (failure != NULL && !is_silent) {
      printf("FAIL %s: %s, in execution %ld:\n", scenario->name, failure, executions);
      print_trace();
    }
    if (failure != NULL) return 0;
    if (executions == LIMIT) {
      fprintf(stderr, "%s: more than %d executions\n", scenario->name, LIMIT);
      exit(2);
    }
    if (!next_execution()) return executions;
  }
}

/// The scenario that fails when the operation at the site has that order, or NULL.
static const char *failing(int of, int order) {
  weakened = of;
  weaker = order;
  const char *found = NULL;
  for (size_t i = 0; i < explorer_scenario_count && found == NULL; i++)
    if (sites[of].scenarios >> i & 1 && explore(&explorer_scenarios[i], true) == 0) found = explorer_scenarios[i].name;
  weakened = -1;
  return found;
}

/// The next weaker orders of an operation, up to -1.
static const int *weaker_orders(int order, const char *kind) {
  static const int none[] = {-1}, relaxed[] = {__ATOMIC_RELAXED, -1}, acquire[] = {__ATOMIC_ACQUIRE, -1},
                   release[] = {__ATOMIC_RELEASE, -1}, both[] = {__ATOMIC_ACQ_REL, -1},
                   either[] = {__ATOMIC_ACQUIRE, __ATOMIC_RELEASE, -1};
  if (order == __ATOMIC_RELAXED) return none;
  if (order == __ATOMIC_ACQUIRE || order == __ATOMIC_RELEASE) return relaxed;
  if (order == __ATOMIC_ACQ_REL) return either;
  return !strcmp(kind, "load") ? acquire : !strcmp(kind, "store") ? release : both;
}

static const char *const names[] = {"relaxed", "consume", "acquire", "release", "acq_rel", "seq_cst"};

static void weaken_all(void) {
  for (int i = 0; i < site_count; i++) {
    printf("site %s %s %s %s %d\n", sites[i].file, sites[i].function, sites[i].operation, names[sites[i].order],
           sites[i].line);
    for (const int *order = weaker_orders(sites[i].order, sites[i].operation); *order >= 0; order++) {
      const char *scenario = failing(i, *order);
      printf("  %s: %s\n", names[*order], scenario ? scenario : "nothing fails");
    }
  }
}

int main(int count, char **arguments) {
  bool failed = false;
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (explored = 0; explored < explorer_scenario_count; explored++) {
    long executions = explore(&explorer_scenarios[explored], false);
    if (executions == 0) failed = true;
    else printf("%s: %ld executions\n", explorer_scenarios[explored].name, executions);
  }
  if (!failed && count == 2 && !strcmp(arguments[1], "--weaken")) weaken_all();
  return failed;
}
