// Floor 0: the arguments of this process, as the C library hands them to every function of .init_array.
#include "linux_process.h"

static char *const *arguments;
static int argument_count;

__attribute__((constructor)) static void take_arguments(int count, char **values) {
  argument_count = count;
  arguments = values;
}

char *const *linux_process_arguments(int *count) {
  *count = argument_count;
  return arguments;
}
