// Floor 0: threads with a stack size, name, policy, priority and processor set, and memory that does not page.
// WorkerThread and the timers and workers of the Windows interfaces start threads here. ThreadPlacement places them, on
// the thread that connects or makes a queue or group; a dispatcher and a queue touch their own stacks. No interrupt
// lock is held, and no lock taken.
#ifndef LINUX_THREAD_H
#define LINUX_THREAD_H

#include "linux_attributes.h"

#include <pthread.h>

/// Lets pthread_cancel(3) of the calling thread have no effect.
void linux_thread_forbid_cancellation(void);

/// Starts a joinable thread with every signal blocked but those of a crash, so that no handler of the process
/// runs on it. It has the ordinary policy and may run on every processor, whatever the creating thread has; only where
/// the system refuses that does it inherit. `stack_size` 0 takes the default. Returns 0 or -errno.
int linux_thread_create(pthread_t *LINUX_NONNULL thread, size_t stack_size,
                       void *LINUX_NULLABLE (*LINUX_NONNULL entry)(void *LINUX_NULLABLE), void *LINUX_NULLABLE context);
int linux_thread_join(pthread_t thread);
int linux_thread_detach(pthread_t thread);

/// At most 15 bytes are kept. Returns 0 or -errno.
int linux_thread_set_name(pthread_t thread, const char *LINUX_NONNULL name);

/// SCHED_OTHER (0), SCHED_FIFO (1) or SCHED_RR (2). -EPERM without CAP_SYS_NICE or RLIMIT_RTPRIO.
int linux_thread_set_policy(pthread_t thread, int policy, int priority);
int linux_thread_get_policy(pthread_t thread, int *LINUX_NONNULL policy, int *LINUX_NONNULL priority);

/// Bit n of `words` is processor n. -EINVAL when none of them can be used.
int linux_thread_set_affinity(pthread_t thread, const uint64_t *LINUX_NONNULL words, size_t count);
int linux_thread_get_affinity(pthread_t thread, uint64_t *LINUX_NONNULL words, size_t count);

/// Processor time the thread has used, in nanoseconds, or -errno.
int64_t linux_thread_cpu_time(pthread_t thread);

/// Locks what is mapped and will be mapped, as it is touched (MCL_ONFAULT). Returns 0 or -errno.
int linux_lock_memory(void);

/// Touches `bytes` of the calling thread's stack.
void linux_prefault_stack(size_t bytes);

#endif
