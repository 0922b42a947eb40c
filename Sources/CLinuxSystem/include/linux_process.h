// Floor 0: the arguments of this process. Any thread; no lock.
#ifndef LINUX_PROCESS_H
#define LINUX_PROCESS_H

#include "linux_attributes.h"

/// The arguments that main() got, the program's name first, also where /proc is not mounted. `*count` is their number.
char *LINUX_NULLABLE const *LINUX_NULLABLE linux_process_arguments(int *LINUX_NONNULL count);

#endif
