// Floor 0: a program as a child that ends with its maker, which posix_spawn(3) has no way to ask for. Between fork and
// exec the child calls nothing that takes a lock.
#define _GNU_SOURCE
#include "linux_spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

// The child's half. The maker reads errno from `report`, which closes when the program has begun.
static _Noreturn void become(char *const *words, int stream, int report, pid_t maker) {
  if (prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && dup2(stream, 0) >= 0 && dup2(stream, 1) >= 0) {
    // It may have ended before the call.
    if (getppid() != maker) _exit(0);
    execvp(words[0], words);
  }
  int error = errno;
  ssize_t written = write(report, &error, sizeof error);
  (void)written;
  _exit(127);
}

int linux_spawn(char *const *words, int stream) {
  int report[2], error = 0;
  if (pipe2(report, O_CLOEXEC) < 0) return -errno;
  pid_t maker = getpid(), child = fork();
  if (child == 0) become(words, stream, report[1], maker);
  if (child < 0) error = errno;
  close(report[1]);
  ssize_t got;
  do got = read(report[0], &error, sizeof error);
  while (got < 0 && errno == EINTR);
  close(report[0]);
  if (error == 0) return child;
  if (child > 0) waitpid(child, NULL, 0);
  return -error;
}
