// Floor 0: programs that this process starts. LinuxSystem's ConnectedProcess calls it, on any thread that may wait for a
// fork and an exec; no lock is taken.
#ifndef LINUX_SPAWN_H
#define LINUX_SPAWN_H

#include "linux_attributes.h"

/// Starts `words[0]`, looked for on PATH, with `stream` as standard input and output. It gets SIGTERM when the calling
/// thread ends, however that happens. The process's id, or -errno: -ENOENT and -EACCES of the program, -EAGAIN, -ENOMEM,
/// -EMFILE.
int linux_spawn(char *LINUX_NULLABLE const *LINUX_NONNULL words, int stream);

#endif
