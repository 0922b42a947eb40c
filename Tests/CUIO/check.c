// main() of the shim's suite, child processes and nameless files.
#define _GNU_SOURCE
#define CHECK_MAIN
#include "check.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

bool check_in_child(void (*body)(void)) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    check_forget_failures();
    body();
    fflush(stdout);
    _exit(check_failures() == 0 ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int check_file(uint64_t size) {
  int fd = memfd_create("check", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, (off_t)size) != 0) abort();
  return fd;
}

// The Makefile says so: no way to find out from inside works with all kernels and versions of qemu.
bool check_is_emulated(void) { return getenv("CHECK_EMULATED") != NULL; }

int main(int count, char **arguments) { return check_main(count, arguments, NULL, NULL); }
