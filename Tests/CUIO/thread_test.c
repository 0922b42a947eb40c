// Threads: name, processors, policy, signals, stack, and memory that the process locks.
#define _GNU_SOURCE
#include "check.h"

#include "CUIO.h"

#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(CUIO_SANITIZE_THREAD)
// The sanitizers turn mlockall(2) into nothing.
#define LOCKS_MEMORY false
#else
#define LOCKS_MEMORY true
#endif

static void *look_at_signals(void *context) { return (void *)(intptr_t)pthread_sigmask(SIG_BLOCK, NULL, context); }

TEST(thread_blocks_every_signal_but_those_of_a_crash) {
  static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
  static const int others[] = {SIGTERM, SIGINT, SIGHUP, SIGALRM, SIGUSR1, SIGUSR2, SIGCHLD, SIGPIPE, SIGPROF};
  sigset_t mask, before, after;
  pthread_t thread;
  sigemptyset(&mask);
  pthread_sigmask(SIG_BLOCK, NULL, &before);
  CHECK_EQUAL(linux_thread_create(&thread, 0, look_at_signals, &mask), 0);
  CHECK_EQUAL(linux_thread_join(thread), 0);
  for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) CHECK_EQUAL(sigismember(&mask, crashes[i]), 0);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) CHECK_EQUAL(sigismember(&mask, others[i]), 1);
  CHECK_EQUAL(sigismember(&mask, SIGRTMIN), 1);
  // qemu-user needs the last two for itself and shows them as free.
  CHECK_EQUAL(sigismember(&mask, check_is_emulated() ? SIGRTMAX - 2 : SIGRTMAX), 1);
  // The creating thread keeps its own.
  pthread_sigmask(SIG_BLOCK, NULL, &after);
  for (int number = 1; number < SIGRTMAX; number++) CHECK_EQUAL(sigismember(&after, number), sigismember(&before, number));
}

TEST(thread_name_is_cut_at_fifteen_bytes) {
  static const struct { const char *given, *kept; } rows[] = {
      {"irq", "irq"}, {"", ""}, {"123456789012345", "123456789012345"}, {"1234567890123456789", "123456789012345"}};
  char before[16], name[16];
  pthread_getname_np(pthread_self(), before, sizeof before);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    CHECK_EQUAL(linux_thread_set_name(pthread_self(), rows[i].given), 0);
    CHECK_EQUAL(pthread_getname_np(pthread_self(), name, sizeof name), 0);
    CHECK(strcmp(name, rows[i].kept) == 0);
  }
  linux_thread_set_name(pthread_self(), before);
}

TEST(thread_affinity_is_set_and_read_back) {
  uint64_t before[16] = {0}, one[16] = {0}, found[16] = {0};
  CHECK_EQUAL(linux_thread_get_affinity(pthread_self(), before, 16), 0);
  int word = 0;
  while (word < 15 && before[word] == 0) word++;
  // The highest processor that may be used, so that its place in the word is seen.
  one[word] = (uint64_t)1 << (63 - __builtin_clzll(before[word]));
  CHECK_EQUAL(linux_thread_set_affinity(pthread_self(), one, 16), 0);
  CHECK_EQUAL(linux_thread_get_affinity(pthread_self(), found, 16), 0);
  CHECK(memcmp(one, found, sizeof one) == 0);
  CHECK_EQUAL(sched_getcpu(), word * 64 + 63 - __builtin_clzll(before[word]));
  CHECK_EQUAL(linux_thread_set_affinity(pthread_self(), before, 16), 0);
}

struct placement {
  int policy, priority;
  uint64_t processors[16];
};

static void *look_at_placement(void *context) {
  struct placement *found = context;
  CHECK_EQUAL(linux_thread_get_policy(pthread_self(), &found->policy, &found->priority), 0);
  CHECK_EQUAL(linux_thread_get_affinity(pthread_self(), found->processors, 16), 0);
  return NULL;
}

static void *create_from_a_real_time_thread_on_one_processor(void *context) {
  uint64_t before[16] = {0}, one[16] = {0}, every[16];
  CHECK_EQUAL(linux_thread_get_affinity(pthread_self(), before, 16), 0);
  for (int word = 15; word >= 0; word--)
    if (before[word] != 0) memset(one, 0, sizeof one), one[word] = before[word] & -before[word];
  memset(every, 0xff, sizeof every);
  // What "every processor" comes to here, whatever this process was started with.
  CHECK_EQUAL(linux_thread_set_affinity(pthread_self(), every, 16), 0);
  CHECK_EQUAL(linux_thread_get_affinity(pthread_self(), every, 16), 0);
  CHECK_EQUAL(linux_thread_set_affinity(pthread_self(), one, 16), 0);
  // Where there is no right to it, what remains is the processors.
  int refused = linux_thread_set_policy(pthread_self(), SCHED_FIFO, 80);
  CHECK(refused == 0 || refused == -EPERM);
  pthread_t thread;
  struct placement found = {.policy = -1};
  CHECK_EQUAL(linux_thread_create(&thread, 0, look_at_placement, &found), 0);
  CHECK_EQUAL(linux_thread_join(thread), 0);
  CHECK_EQUAL(found.policy, SCHED_OTHER);
  CHECK_EQUAL(found.priority, 0);
  CHECK(memcmp(found.processors, every, sizeof every) == 0);
  // The creator keeps its own.
  CHECK_EQUAL(linux_thread_get_affinity(pthread_self(), every, 16), 0);
  CHECK(memcmp(every, one, sizeof one) == 0);
  return context;
}

TEST(thread_inherits_neither_policy_nor_processors) {
  pthread_t thread;
  CHECK_EQUAL(linux_thread_create(&thread, 0, create_from_a_real_time_thread_on_one_processor, NULL), 0);
  CHECK_EQUAL(linux_thread_join(thread), 0);
}

TEST(thread_affinity_without_a_usable_processor_is_refused) {
  uint64_t none[2] = {0}, many[32] = {0};
  CHECK_EQUAL(linux_thread_set_affinity(pthread_self(), none, 2), -EINVAL);
  CHECK_EQUAL(linux_thread_set_affinity(pthread_self(), none, 0), -EINVAL);
  // Beyond what the kernel's set can hold.
  many[31] = 1;
  CHECK_EQUAL(linux_thread_set_affinity(pthread_self(), many, 32), -EINVAL);
}

static void be_nobody(void) {
  struct rlimit none = {0, 0};
  CHECK_EQUAL(setrlimit(RLIMIT_RTPRIO, &none), 0);
  CHECK_EQUAL(setrlimit(RLIMIT_MEMLOCK, &none), 0);
  if (geteuid() == 0) CHECK_EQUAL(setresuid(65534, 65534, 65534), 0);
}

static void ask_for_fifo_as_nobody(void) {
  be_nobody();
  CHECK_EQUAL(linux_thread_set_policy(pthread_self(), SCHED_FIFO, 10), -EPERM);
  int policy = 9, priority = 9;
  CHECK_EQUAL(linux_thread_get_policy(pthread_self(), &policy, &priority), 0);
  CHECK_EQUAL(policy, SCHED_OTHER);
  CHECK_EQUAL(priority, 0);
}

TEST(thread_policy_needs_the_right_to_it) { CHECK(check_in_child(ask_for_fifo_as_nobody)); }

static void ask_for_fifo(void) {
  int policy = 9, priority = 9, result = linux_thread_set_policy(pthread_self(), SCHED_FIFO, 10);
  if (geteuid() != 0) {
    CHECK(result == 0 || result == -EPERM);
    return;
  }
  CHECK_EQUAL(result, 0);
  CHECK_EQUAL(linux_thread_get_policy(pthread_self(), &policy, &priority), 0);
  CHECK_EQUAL(policy, SCHED_FIFO);
  CHECK_EQUAL(priority, 10);
}

TEST(thread_policy_is_set_and_read_back) { CHECK(check_in_child(ask_for_fifo)); }

TEST(thread_policy_with_a_priority_out_of_range_is_refused) {
  CHECK_EQUAL(linux_thread_set_policy(pthread_self(), SCHED_FIFO, 100), -EINVAL);
  CHECK_EQUAL(linux_thread_set_policy(pthread_self(), SCHED_OTHER, 1), -EINVAL);
}

static void *look_at_stack(void *context) {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return NULL;
  pthread_attr_getstacksize(&attributes, context);
  pthread_attr_destroy(&attributes);
  linux_prefault_stack(128 * 1024);
  return NULL;
}

TEST(thread_has_the_stack_that_was_asked_for) {
  size_t size = 0;
  pthread_t thread;
  CHECK_EQUAL(linux_thread_create(&thread, 512 * 1024, look_at_stack, &size), 0);
  linux_thread_join(thread);
  CHECK(size >= 512 * 1024 && size <= 1024 * 1024);
  CHECK_EQUAL(linux_thread_create(&thread, 1, look_at_stack, &size), -EINVAL);
}

static void *finish_at_once(void *context) { return context; }

TEST(thread_can_be_detached_once) {
  pthread_t thread;
  uint32_t done = 0;
  CHECK_EQUAL(linux_thread_create(&thread, 0, finish_at_once, &done), 0);
  CHECK_EQUAL(linux_thread_detach(thread), 0);
}

TEST(thread_cpu_time_grows_with_work) {
  int64_t before = linux_thread_cpu_time(pthread_self());
  CHECK(before >= 0);
  CHECK_SOON(linux_thread_cpu_time(pthread_self()) - before > 5000000);
}

static long locked_kibibytes(void) {
  long value = -1;
  char line[256];
  FILE *file = fopen("/proc/self/status", "r");
  while (file != NULL && fgets(line, sizeof line, file) != NULL)
    if (sscanf(line, "VmLck: %ld kB", &value) == 1) break;
  if (file != NULL) fclose(file);
  return value;
}

static void lock_and_look(void) {
  CHECK_EQUAL(locked_kibibytes(), 0);
  CHECK_EQUAL(linux_lock_memory(), 0);
  if (LOCKS_MEMORY) CHECK(locked_kibibytes() > 0);
}

static void lock_as_nobody(void) {
  be_nobody();
  CHECK_EQUAL(linux_lock_memory(), LOCKS_MEMORY ? -EPERM : 0);
}

TEST(memory_is_locked_where_that_is_allowed) {
  CHECK(check_in_child(lock_as_nobody));
  if (geteuid() == 0) CHECK(check_in_child(lock_and_look));
}
