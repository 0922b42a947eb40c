// The reporter of the C suites: Tests/C, Tests/Windows, Tests/CUIO. A TEST registers itself; a check that does not hold
// prints its file, line and text, counts as a failure, and the test goes on. Any thread may check. Compiles as C17,
// C++17 and C++20.
//
// One source of each program defines CHECK_MAIN before it includes this header, and calls check_main() from main().
// Arguments select tests by a part of their name, or of their file's name; without arguments the environment variable
// TEST does. The last line is `N passed, N failed`.
#ifndef CSUPPORT_CHECK_H
#define CSUPPORT_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#define TEST(name)                                                                                           \
  static void name(void);                                                                                    \
  __attribute__((constructor)) static void register_##name(void) { check_register(__FILE__, #name, name); } \
  static void name(void)

/// Records a failure unless the condition holds.
#define CHECK(condition) check_that(!!(condition), __FILE__, __LINE__, #condition)
/// Records a failure unless two integers are equal, and prints both.
#define CHECK_EQUAL(found, wanted) \
  check_equal((int64_t)(found), (int64_t)(wanted), __FILE__, __LINE__, #found " == " #wanted)
/// Waits until another thread brings the condition about; a failure after 10 seconds.
#define CHECK_SOON(condition)                                \
  do {                                                       \
    uint64_t deadline = check_deadline();                    \
    while (!(condition) && check_before(deadline)) continue; \
    CHECK(condition);                                        \
  } while (0)

#ifdef __cplusplus
extern "C" {
#endif

void check_register(const char *file, const char *name, void (*body)(void));
bool check_that(bool holds, const char *file, int line, const char *text);
bool check_equal(int64_t found, int64_t wanted, const char *file, int line, const char *text);
/// Failures of the present test.
int check_failures(void);
/// Before a child process runs checks of its own.
void check_forget_failures(void);
uint64_t check_deadline(void);
/// Yields the processor once; whether the deadline is still ahead.
bool check_before(uint64_t deadline);
/// What the leak checker of a program under the address sanitizer does not report.
const char *__lsan_default_suppressions(void);
/// Runs the selected tests, each between `before` and `after`, which may be NULL. main()'s result: 0 when all passed, 1
/// after a failure, 2 when no test has such a name.
int check_main(int count, char **arguments, void (*before)(void), void (*after)(void));

#ifdef __cplusplus
}
#endif

#ifdef CHECK_MAIN

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
  const char *file, *name;
  void (*body)(void);
} check_tests[256];
static int check_count, check_failed;
// For the line that a time limit causes.
static const char *check_running = "";

void check_register(const char *file, const char *name, void (*body)(void)) {
  if (check_count == sizeof check_tests / sizeof *check_tests) abort();
  check_tests[check_count].file = file;
  check_tests[check_count].name = name;
  check_tests[check_count++].body = body;
}

bool check_that(bool holds, const char *file, int line, const char *text) {
  if (holds) return true;
  __atomic_fetch_add(&check_failed, 1, __ATOMIC_RELAXED);
  printf("%s:%d: not so: %s\n", file, line, text);
  return false;
}

bool check_equal(int64_t found, int64_t wanted, const char *file, int line, const char *text) {
  if (check_that(found == wanted, file, line, text)) return true;
  printf("  found %lld (%#llx), wanted %lld (%#llx)\n", (long long)found, (long long)found, (long long)wanted,
         (long long)wanted);
  return false;
}

int check_failures(void) { return __atomic_load_n(&check_failed, __ATOMIC_RELAXED); }
void check_forget_failures(void) { __atomic_store_n(&check_failed, 0, __ATOMIC_RELAXED); }

static uint64_t check_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t check_deadline(void) { return check_now() + 10000000000u; }

bool check_before(uint64_t deadline) {
  sched_yield();
  return check_now() < deadline;
}

// By a part of its name, or of its file's.
static bool check_is_like(int test, const char *wanted) {
  const char *slash = strrchr(check_tests[test].file, '/');
  return strstr(check_tests[test].name, wanted) != NULL ||
         strstr(slash == NULL ? check_tests[test].file : slash, wanted) != NULL;
}

static bool check_is_selected(int test, int count, char **arguments) {
  const char *wanted = getenv("TEST");
  if (count < 2) return wanted == NULL || check_is_like(test, wanted);
  for (int i = 1; i < count; i++)
    if (check_is_like(test, arguments[i])) return true;
  return false;
}

// timeout(1) ends a program that hangs; say in which test.
static void check_terminated(int signal) {
  const char *parts[] = {"FAIL ", check_running, ": ended from outside\n"};
  for (int i = 0; i < 3; i++)
    if (write(STDOUT_FILENO, parts[i], strlen(parts[i])) < 0) break;
  _exit(128 + signal);
}

static int check_by_file(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// A thread that is still ending has its objects in its hands, and the leak checker sees them there. It does not see the
// side table of one that was referenced weakly: Swift keeps the table's address shifted by three bits in the object's
// header. An object that leaks is still reported, by its own allocation.
const char *__lsan_default_suppressions(void) { return "leak:formWeakReference\n"; }

int check_main(int count, char **arguments, void (*before)(void), void (*after)(void)) {
  int failed = 0, run = 0;
  signal(SIGTERM, check_terminated);
  qsort(check_tests, (size_t)check_count, sizeof *check_tests, check_by_file);
  for (int i = 0; i < check_count; i++) {
    if (!check_is_selected(i, count, arguments)) continue;
    check_running = check_tests[i].name;
    check_forget_failures();
    if (before != NULL) before();
    check_tests[i].body();
    if (after != NULL) after();
    run++;
    if (check_failures() != 0) failed++, printf("FAIL %s\n", check_running);
    fflush(stdout);
  }
  if (run == 0) printf("no test has such a name\n");
  printf("%d passed, %d failed\n", run - failed, failed);
  return run == 0 ? 2 : failed != 0;
}

#endif
#endif
