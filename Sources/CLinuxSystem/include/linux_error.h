// Floor 0: names of error numbers. Errno of LinuxSystem calls it, on any thread without a lock: not in a dispatch,
// where errors are integers.
#ifndef LINUX_ERROR_H
#define LINUX_ERROR_H

#include "linux_attributes.h"

/// `ENOENT` for 2, as glibc knows it; NULL for a number that it does not know.
const char *LINUX_NULLABLE linux_error_name(int number);

#endif
