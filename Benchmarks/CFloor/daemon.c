#define _GNU_SOURCE
#include "daemon.h"
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int daemon_start(const char *command) {
  pid_t process = fork();
  if (process < 0) return -errno;
  if (process > 0) return process;
  int nothing = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; fd++) dup2(nothing, fd);
  execl("/bin/sh", "sh", "-c", command, NULL);
  _exit(127);
}

void daemon_stop(int process) {
  int status;
  kill(process, SIGTERM);
  waitpid(process, &status, 0);
}

int64_t daemon_resident(int process) {
  char path[64];
  unsigned long long whole, resident;
  snprintf(path, sizeof path, "/proc/%d/statm", process);
  FILE *file = fopen(path, "r");
  if (!file) return -errno;
  int found = fscanf(file, "%llu %llu", &whole, &resident);
  fclose(file);
  return found == 2 ? (int64_t)(resident * (unsigned long long)sysconf(_SC_PAGESIZE)) : -EBADMSG;
}

int64_t daemon_processor_time(int process) {
  clockid_t clock;
  struct timespec time;
  int result = clock_getcpuclockid(process, &clock);
  if (result != 0) return -result;
  if (clock_gettime(clock, &time) != 0) return -errno;
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int daemon_connect(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  uint64_t limit = probe_now() + 10000000000u;
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  while (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    if ((errno != ENOENT && errno != ECONNREFUSED) || probe_now() > limit) {
      int error = errno;
      close(fd);
      return -error;
    }
    usleep(100);
  }
  return fd >= 0 ? fd : -errno;
}

// The raw call: it changes the calling thread and no other.
static int become(uid_t user) { return (int)syscall(SYS_setresuid, (uid_t)-1, user, (uid_t)-1); }

int daemon_connect_as(const char *path, unsigned user) {
  if (become(user) != 0) return -errno;
  int fd = daemon_connect(path);
  return become(0) == 0 ? fd : -errno;
}

int daemon_notices(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct timeval limit = {.tv_sec = 10};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0)
    return -errno;
  return fd;
}

int daemon_wait_ready(int notices) {
  char notice[4096];
  for (;;) {
    ssize_t length = recv(notices, notice, sizeof notice - 1, 0);
    if (length < 0) return -errno;
    notice[length] = '\0';
    if (strstr(notice, "READY=1")) return 0;
  }
}

int daemon_send(int fd, const char *message) {
  size_t length = strlen(message) + 1;
  return write(fd, message, length) == (ssize_t)length ? 0 : -EPIPE;
}

int64_t daemon_receive(int fd, char *reply, size_t size) {
  size_t got = 0;
  while (got < size) {
    ssize_t part = read(fd, reply + got, size - got);
    if (part <= 0) return part == 0 ? -EPIPE : -errno;
    got += (size_t)part;
    if (reply[got - 1] == '\0') return (int64_t)got;
  }
  return -EMSGSIZE;
}

struct flood {
  pthread_t thread;
  int fd, result;
  const char *message;
  uint64_t count;
};

static void *pour(void *argument) {
  flood *f = argument;
  char replies[4096];
  uint64_t sent = 0, answered = 0;
  while (answered < f->count) {
    for (; sent < f->count && sent - answered < 64; sent++)
      if ((f->result = daemon_send(f->fd, f->message)) != 0) return NULL;
    ssize_t length = read(f->fd, replies, sizeof replies);
    if (length <= 0) {
      f->result = length == 0 ? -EPIPE : -errno;
      return NULL;
    }
    for (ssize_t i = 0; i < length; i++) answered += replies[i] == '\0';
  }
  return NULL;
}

flood *flood_start(int fd, const char *message, uint64_t count) {
  flood *f = calloc(1, sizeof *f);
  if (!f) return NULL;
  *f = (flood){.fd = fd, .message = strdup(message), .count = count};
  if (pthread_create(&f->thread, NULL, pour, f) == 0) return f;
  free(f);
  return NULL;
}

int flood_end(flood *f) {
  pthread_join(f->thread, NULL);
  int result = f->result;
  free((char *)f->message);
  free(f);
  return result;
}
