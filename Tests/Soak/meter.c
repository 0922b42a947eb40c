// Loaded into the daemon by a soak: a thread that, whenever a byte comes on the socket of the number SOAK_METER, gives
// free memory back to the kernel and answers how many bytes of malloc(3) are in use. Without it what the process holds
// is hidden by what glibc keeps for later, which rises and falls by megabytes. It takes no signal and holds no lock.
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

static void *serve(void *argument) {
  int wire = (int)(intptr_t)argument;
  char byte;
  while (read(wire, &byte, 1) == 1) {
    malloc_trim(0);
    struct mallinfo2 now = mallinfo2();
    uint64_t used = now.uordblks + now.hblkhd;
    if (write(wire, &used, sizeof used) != sizeof used) break;
  }
  return NULL;
}

__attribute__((constructor)) static void start(void) {
  const char *number = getenv("SOAK_METER");
  if (!number) return;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)atoi(number)) == 0) pthread_detach(thread);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}
