// Floor 0: the arguments of this process, as the C library hands them to every function of .init_array; and the
// generations of a process and its children. ProcessOwner, ProgramArguments, ProcessEnd and the hooks of forks in CUIO
// and CHandleTable call it, on any thread. A mutex guards the function that runs at exit, and nothing else. A forked
// child has one thread when it first comes here: no hook may wait for a lock.
#define _GNU_SOURCE
#include "linux_process.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static char *const *arguments;
static int argument_count;

char *const *linux_process_arguments(int *count) {
  *count = argument_count;
  return arguments;
}

enum { ANCESTORS = 64, HOOKS = 4 };

static uint32_t generation = 1;
static pid_t processes[ANCESTORS];
static void (*hooks[HOOKS])(void);
static size_t hook_count;

// 1, and 0 in a child: the kernel empties the page in each, also in those that the C library does not see. A kernel
// before 4.14 does not, and QEMU's user mode says that it does; there the fork handler does.
static uint32_t own_word = 1;
static uint32_t *is_own = &own_word;

static void enter_child(void) {
  // Of a child's threads one comes first; before it has told the hooks, the child has no other.
  if (__atomic_exchange_n(is_own, 1, __ATOMIC_ACQ_REL) != 0) return;
  generation++;
  processes[generation % ANCESTORS] = getpid();
  for (size_t i = 0; i < hook_count; i++) hooks[i]();
}

static void forked(void) {
  // Another fork handler may have come here first.
  if (processes[generation % ANCESTORS] != getpid()) *is_own = 0;
  enter_child();
}

__attribute__((constructor(101))) static void begin(int count, char **values) {
  argument_count = count;
  arguments = values;
  processes[generation] = getpid();
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  uint32_t *word = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (word != MAP_FAILED) {
    *word = 1;
    if (madvise(word, page, MADV_WIPEONFORK) == 0) is_own = word;
    else munmap(word, page);
  }
  pthread_atfork(NULL, NULL, forked);
}

void linux_process_on_fork(void (*entered)(void)) {
  if (hook_count < HOOKS) hooks[hook_count++] = entered;
}

uint32_t linux_process_generation(void) {
  if (!LINUX_LIKELY(__atomic_load_n(is_own, __ATOMIC_RELAXED) != 0)) enter_child();
  return generation;
}

int32_t linux_process_of(uint32_t of) {
  uint32_t now = linux_process_generation();
  return of == 0 || of > now || now - of >= ANCESTORS ? 0 : processes[of % ANCESTORS];
}

bool linux_process_has_ended(uint32_t of, int timeout_ms) {
  pid_t process = linux_process_of(of);
  if (of == generation || process == 0) return of != generation;
  // Of a process that has ended and has not been waited for, kill(2) says that it lives.
  int fd = (int)syscall(SYS_pidfd_open, process, 0);
  if (fd < 0) return errno == ESRCH || (errno == ENOSYS && kill(process, 0) != 0 && errno == ESRCH);
  struct pollfd ended = {.fd = fd, .events = POLLIN};
  int result;
  do result = poll(&ended, 1, timeout_ms);
  while (result < 0 && errno == EINTR);
  close(fd);
  return result > 0;
}

// The C library's own, which C++ uses for static objects: functions with a handle that finalize calls early.
int __cxa_atexit(void (*function)(void *), void *argument, void *handle);
void __cxa_finalize(void *handle);

static char exit_handle;
static pthread_mutex_t renewing = PTHREAD_MUTEX_INITIALIZER;
static void (*at_exit)(void);
static __thread bool is_renewing;

static void on_exit_of_process(void *argument) {
  (void)argument;
  if (!is_renewing) at_exit();
}

void linux_process_on_exit(void (*ending)(void)) {
  pthread_mutex_lock(&renewing);
  at_exit = ending;
  // Takes the last registration out: it would come later than what was registered since.
  is_renewing = true;
  __cxa_finalize(&exit_handle);
  is_renewing = false;
  __cxa_atexit(on_exit_of_process, NULL, &exit_handle);
  pthread_mutex_unlock(&renewing);
}
