// Floor 0: the arguments of this process, and which generation of forked processes it is. ProcessOwner and
// ProgramArguments of LinuxSystem call it, CUIO and CHandleTable for their hooks of forks, ProcessEnd for the exit. Any
// thread; generations at any level, without a lock. linux_process_has_ended() waits, and linux_process_on_exit() takes
// a mutex: both without an interrupt lock.
#ifndef LINUX_PROCESS_H
#define LINUX_PROCESS_H

#include "linux_attributes.h"

/// The arguments that main() got, the program's name first, also where /proc is not mounted. `*count` is their number.
char *LINUX_NULLABLE const *LINUX_NULLABLE linux_process_arguments(int *LINUX_NONNULL count);

/// Counts the forks between the process that loaded the library and this one: 1 in the first, one more in a child that
/// forks from it, however it was made. What a process makes belongs to its generation, and to no child.
uint32_t linux_process_generation(void);

/// The id of the process of an earlier `generation` that this one descends from; 0 when it is not known any more.
int32_t linux_process_of(uint32_t generation);

/// Whether the process of an earlier `generation` has ended; waits up to `timeout_ms` for it. False for the caller's own.
bool linux_process_has_ended(uint32_t generation, int timeout_ms);

/// Calls `entered` in each child, at the latest when that first asks for its generation. Only in functions of
/// .init_array; there is room for four.
void linux_process_on_fork(void (*LINUX_NONNULL entered)(void));

/// Calls `ending` when the process ends by exit(3) or by a return from main(), before all that was registered with
/// atexit(3), or constructed, before this call. Called again, it takes the place of the last call.
void linux_process_on_exit(void (*LINUX_NONNULL ending)(void));

#endif
