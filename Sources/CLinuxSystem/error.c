// Floor 0: glibc's names of error numbers. Any thread, no lock.
#define _GNU_SOURCE
#include "linux_error.h"

#include <string.h>

const char *linux_error_name(int number) { return strerrorname_np(number); }
