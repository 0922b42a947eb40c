// Floor 0: glibc's names of error numbers. Errno of LinuxSystem calls it, on any thread without a lock: not in a
// dispatch, where errors are integers.
#define _GNU_SOURCE
#include "linux_error.h"

#include <string.h>

const char *linux_error_name(int number) { return strerrorname_np(number); }
