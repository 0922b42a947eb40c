// Floor 0: threads with explicit stack, scheduling and processors, and memory that does not page. WorkerThread and the
// timers and workers of the Windows interfaces start threads; ThreadPlacement places one, on the thread that connects
// or makes a queue or group. No lock is taken, and no interrupt lock held.
#define _GNU_SOURCE
#include "linux_thread.h"

#include "linux_pause.h"

#include <alloca.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

// The ordinary policy and every processor, whatever the creating thread has. The kernel leaves out processors that the
// cgroup does not allow.
static int set_defaults(pthread_attr_t *attributes) {
  struct sched_param parameters = {.sched_priority = 0};
  cpu_set_t every;
  memset(&every, 0xff, sizeof every);
  int result = pthread_attr_setinheritsched(attributes, PTHREAD_EXPLICIT_SCHED);
  if (result == 0) result = pthread_attr_setschedpolicy(attributes, SCHED_OTHER);
  if (result == 0) result = pthread_attr_setschedparam(attributes, &parameters);
  if (result == 0) result = pthread_attr_setaffinity_np(attributes, sizeof every, &every);
  return result;
}

static int create(pthread_t *thread, size_t stack_size, bool inherits, void *(*entry)(void *), void *context) {
  pthread_attr_t attributes;
  int result = pthread_attr_init(&attributes);
  if (result != 0) return result;
  if (stack_size != 0) result = pthread_attr_setstacksize(&attributes, stack_size);
  if (result == 0 && !inherits) result = set_defaults(&attributes);
  if (result == 0) {
    // The new thread inherits the mask: there is no moment at which a signal could reach it.
    sigset_t all, before;
    sigfillset(&all);
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) sigdelset(&all, crashes[i]);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    result = linux_pause_thread_create(thread, &attributes, entry, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
  }
  pthread_attr_destroy(&attributes);
  return result;
}

int linux_thread_create(pthread_t *thread, size_t stack_size, void *(*entry)(void *), void *context) {
  int result = create(thread, stack_size, false, entry, context);
  // A filter of system calls, or a creator with SCHED_IDLE that may not leave it: better such a thread than none.
  if (result == EPERM || result == ENOSYS) result = create(thread, stack_size, true, entry, context);
  return -result;
}

void linux_thread_forbid_cancellation(void) { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL); }

int linux_thread_join(pthread_t thread) {
  linux_pause_thread_join(thread);
  return -pthread_join(thread, NULL);
}

int linux_thread_detach(pthread_t thread) { return -pthread_detach(thread); }

int linux_thread_set_name(pthread_t thread, const char *name) {
  char kept[16];
  strncpy(kept, name, sizeof kept - 1);
  kept[sizeof kept - 1] = 0;
  return -pthread_setname_np(thread, kept);
}

int linux_thread_set_policy(pthread_t thread, int policy, int priority) {
  struct sched_param parameters = {.sched_priority = priority};
  return -pthread_setschedparam(thread, policy, &parameters);
}

int linux_thread_get_policy(pthread_t thread, int *policy, int *priority) {
  struct sched_param parameters;
  int result = pthread_getschedparam(thread, policy, &parameters);
  if (result == 0) *priority = parameters.sched_priority;
  return -result;
}

int linux_thread_set_affinity(pthread_t thread, const uint64_t *words, size_t count) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (size_t cpu = 0; cpu < count * 64 && cpu < CPU_SETSIZE; cpu++)
    if (words[cpu / 64] >> (cpu % 64) & 1) CPU_SET(cpu, &set);
  return -pthread_setaffinity_np(thread, sizeof set, &set);
}

int linux_thread_get_affinity(pthread_t thread, uint64_t *words, size_t count) {
  cpu_set_t set;
  int result = pthread_getaffinity_np(thread, sizeof set, &set);
  if (result != 0) return -result;
  memset(words, 0, count * sizeof *words);
  for (size_t cpu = 0; cpu < count * 64 && cpu < CPU_SETSIZE; cpu++)
    if (CPU_ISSET(cpu, &set)) words[cpu / 64] |= (uint64_t)1 << (cpu % 64);
  return 0;
}

int64_t linux_thread_cpu_time(pthread_t thread) {
  clockid_t clock;
  int result = pthread_getcpuclockid(thread, &clock);
  if (result != 0) return -result;
  struct timespec t;
  if (clock_gettime(clock, &t) != 0) return -errno;
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// Without ONFAULT every thread's whole 8 MiB stack and 64 MiB malloc arena would be made resident.
int linux_lock_memory(void) {
#ifndef MCL_ONFAULT
#define MCL_ONFAULT 4
#endif
  return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0 ? 0 : -errno;
}

__attribute__((noinline)) void linux_prefault_stack(size_t bytes) {
  volatile unsigned char *stack = alloca(bytes);
  for (size_t i = 0; i < bytes; i += 1024) stack[i] = 0;
}
