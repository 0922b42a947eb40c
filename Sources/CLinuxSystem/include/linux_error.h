// Floor 0: names of error numbers, for Errno of LinuxSystem. Any thread; no lock.
#ifndef LINUX_ERROR_H
#define LINUX_ERROR_H

#include "linux_attributes.h"

/// `ENOENT` for 2, as glibc knows it; NULL for a number that it does not know.
const char *LINUX_NULLABLE linux_error_name(int number);

#endif
