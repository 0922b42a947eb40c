// The kernel under the explored code: eventfds, the clock, the futex of a lock, a PCI function's configuration space.
// Eventfds and configuration space give no order, so that no protocol leans on the order that they have; the futex has
// that of the kernel's own compare-and-swap.
#include "kernel.h"

#include "explorer.h"

#include "cuio_lock.h"
#include "cuio_thread_state.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>

static uint32_t events[2];
static bool is_given[EXPLORER_THREADS], waits[EXPLORER_THREADS];
static uint16_t *configuration;
static uint64_t times[EXPLORER_THREADS];

void kernel_reset(uint16_t *of_device) {
  memset(events, 0, sizeof events);
  memset(is_given, 0, sizeof is_given);
  memset(waits, 0, sizeof waits);
  memset(times, 0, sizeof times);
  configuration = of_device;
}

// MARK: Eventfds, whose descriptors are 0 and 1

static bool at_once(int thread) { return (void)thread, true; }
static bool is_signalled(int thread) { return (void)thread, events[0] != 0; }

int linux_event_signal(int fd, uint64_t amount);
int linux_event_signal(int fd, uint64_t amount) {
  explorer_sleep(&events[fd], at_once);
  events[fd] += (uint32_t)amount;
  return 0;
}

void kernel_sleep(void) {
  explorer_sleep(&events[0], is_signalled);
  events[0] = 0;
}

// MARK: The clock: each thread's own, so that it does not depend on what others do

extern bool linux_clock_has_counter;
bool linux_clock_has_counter;
uint64_t linux_nanoseconds(void);
uint64_t linux_nanoseconds(void) { return explorer_thread() < 0 ? 0 : ++times[explorer_thread()]; }

// MARK: The futex of a lock

static uint64_t with_waiters(uint64_t word, uint64_t thread) {
  return (word & CUIO_LOCK_TID_MASK) == 0 ? word | thread : word | FUTEX_WAITERS;
}
static uint64_t given_to(uint64_t word, uint64_t next) { return (void)word, next; }
static uint64_t unchanged(uint64_t old, uint64_t none) { return (void)none, old; }
static bool has_been_given(int thread) { return is_given[thread]; }

static uint64_t kernel_change(uint32_t *word, uint64_t (*change)(uint64_t, uint64_t), uint64_t operand) {
  explorer_at(NULL, NULL, NULL, 0, 0);
  return explorer_change(word, sizeof *word, change, operand, __ATOMIC_ACQ_REL);
}

static long lock_futex(uint32_t *word) {
  int self = explorer_thread();
  uint32_t owner = (uint32_t)kernel_change(word, with_waiters, cuio_thread_id()) & CUIO_LOCK_TID_MASK;
  if (owner == 0) return 0;
  // Of a closed lock.
  if (owner >= CUIO_LOCK_FOREIGN) return errno = ESRCH, -1;
  waits[self] = true;
  explorer_sleep(word, has_been_given);
  is_given[self] = waits[self] = false;
  // Given by the owner before, whose stores are visible now.
  kernel_change(word, unchanged, 0);
  return 0;
}

// The mark of waiters stays where a waiter becomes the owner.
static uint64_t given_away(uint64_t word, uint64_t none) {
  (void)word, (void)none;
  for (uint32_t i = 0; i < EXPLORER_THREADS; i++)
    if (waits[i] && !is_given[i]) return is_given[i] = true, FUTEX_WAITERS | (100 + i);
  return 0;
}

static long unlock_futex(uint32_t *word) { return kernel_change(word, given_away, 0), 0; }

// MARK: Configuration space

static uint64_t lower_byte(uint64_t old, uint64_t byte) { return (old & 0xff00) | byte; }

ssize_t pread(int fd, void *bytes, size_t length, off_t offset) {
  (void)fd, (void)offset;
  explorer_at(NULL, NULL, NULL, 0, 0);
  uint16_t value = (uint16_t)explorer_change(configuration, sizeof value, unchanged, 0, __ATOMIC_RELAXED);
  memcpy(bytes, &value, length);
  return (ssize_t)length;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
  (void)fd, (void)offset;
  uint16_t value = 0;
  memcpy(&value, bytes, length);
  explorer_at(NULL, NULL, NULL, 0, 0);
  explorer_change(configuration, sizeof value, length == 1 ? lower_byte : given_to, value, __ATOMIC_RELAXED);
  return (ssize_t)length;
}

long syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  long result = -1;
  if (number == SYS_futex) {
    uint32_t *word = va_arg(list, uint32_t *);
    result = (va_arg(list, int) & FUTEX_CMD_MASK) == FUTEX_UNLOCK_PI ? unlock_futex(word) : lock_futex(word);
  } else if (number == SYS_pwrite64) {
    int fd = (int)va_arg(list, long);
    const void *bytes = va_arg(list, const void *);
    size_t length = va_arg(list, size_t);
    result = pwrite(fd, bytes, length, 0);
  } else if (number == SYS_tgkill) {
    // Every thread lives.
    result = 0;
  } else {
    explorer_require(false, "a system call that the explorer's kernel does not have");
  }
  va_end(list);
  return result;
}

// MARK: What the explored files need and never call

void linux_process_on_fork(void (*handler)(void));
void linux_process_on_fork(void (*handler)(void)) { (void)handler; }
uint64_t linux_nanoseconds_to_ticks(uint64_t nanoseconds);
uint64_t linux_nanoseconds_to_ticks(uint64_t nanoseconds) { return nanoseconds; }
int linux_memory_create(const char *name, size_t size);
int linux_memory_create(const char *name, size_t size) { return (void)name, (void)size, -ENOSYS; }
