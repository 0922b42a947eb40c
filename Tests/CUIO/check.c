#define _GNU_SOURCE
#include "check.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct {
  const char *file, *name;
  void (*body)(void);
} tests[256];
static int count, failures;

void check_register(const char *file, const char *name, void (*body)(void)) {
  if (count == sizeof tests / sizeof *tests) abort();
  tests[count].file = file;
  tests[count].name = name;
  tests[count++].body = body;
}

bool check_that(bool holds, const char *file, int line, const char *text) {
  if (holds) return true;
  __atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED);
  printf("%s:%d: not so: %s\n", file, line, text);
  return false;
}

bool check_equal(int64_t found, int64_t wanted, const char *file, int line, const char *text) {
  if (found == wanted) return true;
  check_that(false, file, line, text);
  printf("  found %lld (%#llx), wanted %lld (%#llx)\n", (long long)found, (long long)found, (long long)wanted,
         (long long)wanted);
  return false;
}

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t check_deadline(void) { return now() + 10000000000u; }

bool check_before(uint64_t deadline) {
  sched_yield();
  return now() < deadline;
}

bool check_in_child(void (*body)(void)) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    failures = 0;
    body();
    fflush(stdout);
    _exit(failures == 0 ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int check_file(uint64_t size) {
  int fd = memfd_create("check", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, (off_t)size) != 0) abort();
  return fd;
}

// The Makefile says so; there is no way to tell from inside that all kernels and versions of qemu share.
bool check_is_emulated(void) { return getenv("CHECK_EMULATED") != NULL; }

static int by_file(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int main(int argc, char **argv) {
  int failed = 0, run = 0;
  qsort(tests, (size_t)count, sizeof *tests, by_file);
  for (int i = 0; i < count; i++) {
    if (argc > 1 && strstr(tests[i].name, argv[1]) == NULL) continue;
    failures = 0;
    tests[i].body();
    run++;
    if (failures != 0) failed++;
    printf("%s %s\n", failures != 0 ? "FAILED" : "passed", tests[i].name);
    fflush(stdout);
  }
  printf("%d passed, %d failed\n", run - failed, failed);
  return failed == 0 && run > 0 ? 0 : 1;
}
