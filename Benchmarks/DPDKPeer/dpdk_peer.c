// DPDK's EAL interrupt thread, told to stamp a probe for each interrupt of the descriptors it is given.
//
//   dpdk-peer event|totals PROCESSOR PRIORITY PROBES ROUTINES DESCRIPTOR...
//
// PROBES is a descriptor of shared memory with a probe for each line. Says "ready" on standard output once the routines
// are registered. Then a line a command on standard input: "churn N" registers and unregisters a second routine of the
// first descriptor N times and answers with the nanoseconds of the slowest unregistration, their sum, and the calls that
// came after one; "storm" lets the first line, an eventfd, fire again as soon as it has been served, and "calm" ends that; "cpu"
// answers with the processor time of the process in nanoseconds. It ends with standard input.
#define _GNU_SOURCE
#include "probe.h"

#include <rte_eal.h>
#include <rte_interrupts.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int processor, priority;
static int storming;  // the descriptor that fires again, or 0

// EAL makes the thread and has no word on where it runs; the first interrupt finds out which one it is.
static void place(void) {
  static int placed;
  cpu_set_t set;
  struct sched_param parameters = {.sched_priority = priority};
  if (placed) return;
  placed = 1;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  if (pthread_setaffinity_np(pthread_self(), sizeof set, &set) != 0) fprintf(stderr, "dpdk-peer: not pinned\n");
  if (priority > 0 && pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters) != 0)
    fprintf(stderr, "dpdk-peer: no real-time priority\n");
}

static void stamp(void *context) {
  place();
  probe_stamp(NULL, context);
}

static void storm(void *context) {
  uint64_t one = 1;
  (void)context;
  int fd = __atomic_load_n(&storming, __ATOMIC_RELAXED);
  if (fd > 0 && write(fd, &one, sizeof one) < 0) perror("dpdk-peer");
}

static int storm_begin(struct rte_intr_handle *handle, int fd) {
  uint64_t one = 1;
  storming = fd;
  return rte_intr_callback_register(handle, storm, NULL) == 0 && write(fd, &one, sizeof one) == (ssize_t)sizeof one;
}

static void count(void *context) { __atomic_fetch_add((uint64_t *)context, 1, __ATOMIC_RELAXED); }

static struct rte_intr_handle *handle_of(int fd, enum rte_intr_handle_type type) {
  struct rte_intr_handle *handle = rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE);
  if (!handle || rte_intr_fd_set(handle, fd) != 0 || rte_intr_type_set(handle, type) != 0) {
    fprintf(stderr, "dpdk-peer: no interrupt handle for descriptor %d\n", fd);
    exit(1);
  }
  return handle;
}

static void churn(struct rte_intr_handle *handle, long times) {
  uint64_t calls = 0, slowest = 0, sum = 0, late = 0;
  for (long i = 0; i < times; i++) {
    if (rte_intr_callback_register(handle, count, &calls) != 0) exit(1);
    uint64_t start = probe_now();
    while (rte_intr_callback_unregister(handle, count, &calls) == -EAGAIN) sched_yield();
    uint64_t took = probe_now() - start, seen = __atomic_load_n(&calls, __ATOMIC_RELAXED);
    for (uint64_t until = probe_now() + 20000; probe_now() < until;) {
    }
    late += __atomic_load_n(&calls, __ATOMIC_RELAXED) - seen;
    sum += took;
    if (took > slowest) slowest = took;
  }
  printf("%llu %llu %llu\n", (unsigned long long)slowest, (unsigned long long)sum, (unsigned long long)late);
}

static void commands(struct rte_intr_handle *first, int fd) {
  char line[64];
  while (fgets(line, sizeof line, stdin)) {
    struct timespec used;
    if (strncmp(line, "churn ", 6) == 0) {
      churn(first, atol(line + 6));
    } else if (strcmp(line, "storm\n") == 0) {
      printf("%d\n", storm_begin(first, fd));
    } else if (strcmp(line, "calm\n") == 0) {
      __atomic_store_n(&storming, 0, __ATOMIC_RELAXED);
      puts("1");
    } else if (strcmp(line, "cpu\n") == 0) {
      clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
      printf("%llu\n", (unsigned long long)used.tv_sec * 1000000000u + (unsigned long long)used.tv_nsec);
    }
    fflush(stdout);
  }
}

int main(int number, char **arguments) {
  if (number < 7) return 2;
  char cores[16];
  processor = atoi(arguments[2]);
  priority = atoi(arguments[3]);
  snprintf(cores, sizeof cores, "0@%d", processor);
  char *eal[] = {"dpdk-peer",      "--no-huge", "--no-pci", "-m",          "64", "--no-shconf",
                 "--no-telemetry", "--lcores",  cores,      "--log-level", "lib.eal:emergency"};
  cpu_set_t all;
  sched_getaffinity(0, sizeof all, &all);
  if (rte_eal_init(sizeof eal / sizeof *eal, eal) < 0) {
    fprintf(stderr, "dpdk-peer: rte_eal_init failed\n");
    return 1;
  }
  // EAL has pinned this thread, which now only answers.
  sched_setaffinity(0, sizeof all, &all);
  enum rte_intr_handle_type type =
      strcmp(arguments[1], "event") == 0 ? RTE_INTR_HANDLE_VFIO_MSIX : RTE_INTR_HANDLE_UIO;
  int routines = atoi(arguments[5]), lines = number - 6;
  probe *probes = probe_attach(lines * routines, atoi(arguments[4]));
  if (!probes) return 1;
  struct rte_intr_handle *first = NULL;
  for (int line = 0; line < lines; line++) {
    struct rte_intr_handle *handle = handle_of(atoi(arguments[6 + line]), type);
    if (!first) first = handle;
    for (int routine = 0; routine < routines; routine++) {
      // The last routine of a line stamps what the measuring side looks at.
      probe *context = &probes[routine == routines - 1 ? line : lines + line * (routines - 1) + routine];
      if (rte_intr_callback_register(handle, stamp, context) != 0) return 1;
    }
  }
  puts("ready");
  fflush(stdout);
  commands(first, atoi(arguments[6]));
  return 0;
}
