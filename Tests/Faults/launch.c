// launch NUMBER,NUMBER... PROGRAM ARGUMENT...: runs a program whose system calls with these numbers wait until a
// supervisor has answered (seccomp user notification). Descriptor 0 is a socket; the supervisor gets the listener
// through it. `launch` alone prints the name and the number of every call that Tests/Faults can make fail.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALL(name) {#name, SYS_##name}

static const struct {
  const char *name;
  int number;
} calls[] = {
  CALL(openat), CALL(read), CALL(pread64), CALL(preadv2), CALL(write), CALL(pwrite64), CALL(readlinkat),
  CALL(newfstatat), CALL(getdents64), CALL(fsync), CALL(ftruncate), CALL(fchmod), CALL(renameat), CALL(unlinkat),
  CALL(fcntl), CALL(dup3), CALL(eventfd2), CALL(timerfd_create), CALL(timerfd_settime), CALL(signalfd4),
  CALL(memfd_create), CALL(epoll_create1), CALL(epoll_ctl), CALL(epoll_pwait), CALL(ppoll), CALL(socket),
  CALL(socketpair), CALL(bind), CALL(listen), CALL(accept4), CALL(connect), CALL(getsockname), CALL(getsockopt),
  CALL(setsockopt), CALL(recvmsg), CALL(recvfrom), CALL(sendmsg), CALL(sendto), CALL(shutdown), CALL(mmap),
  CALL(madvise), CALL(futex), CALL(clone3), CALL(prctl), CALL(sched_setaffinity), CALL(sched_setscheduler),
  CALL(pidfd_open), CALL(sched_get_priority_min), CALL(mkdirat), CALL(fchmodat), CALL(fchownat), CALL(prlimit64),
#ifdef SYS_open
  // Processors whose kernel has kept the calls of before.
  CALL(readlink), CALL(rename), CALL(unlink), CALL(chmod), CALL(chown), CALL(mkdir), CALL(epoll_wait), CALL(poll),
#endif
};

// What hands over the listener is not answered by it: a `sendmsg` on this descriptor.
enum { CHANNEL = 1000, MOST = 128 };

static int fail(const char *what) {
  perror(what);
  return 125;
}

static int hand_over(int listener) {
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(int))];
  } control = {0};
  char byte = 1;
  struct iovec part = {&byte, 1};
  struct msghdr message = {
    .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
  struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
  *rights = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  memcpy(CMSG_DATA(rights), &listener, sizeof listener);
  return sendmsg(CHANNEL, &message, 0) == 1 ? 0 : -1;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) printf("%s %d\n", calls[i].name, calls[i].number);
    return 0;
  }
  struct sock_filter filter[MOST + 8];
  unsigned short length = 0, chosen[MOST], count = 0;
  for (char *number = strtok(argv[1], ","); number && count < MOST; number = strtok(NULL, ","))
    chosen[count++] = (unsigned short)atoi(number);
#define STEP(...) filter[length++] = (struct sock_filter)__VA_ARGS__
  STEP(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
  STEP(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendmsg, 0, 3));
  STEP(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])));
  STEP(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CHANNEL, (unsigned char)(count + 1), 0));
  STEP(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
  for (unsigned short i = 0; i < count; i++)
    STEP(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, chosen[i], (unsigned char)(count - i), 0));
  STEP(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  STEP(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
  struct sock_fprog program = {.len = length, .filter = filter};

  if (dup3(0, CHANNEL, O_CLOEXEC) != CHANNEL) return fail("dup3");
  int nothing = open("/dev/null", O_RDONLY);
  if (nothing < 0 || dup2(nothing, 0) != 0) return fail("/dev/null");
  close(nothing);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail("PR_SET_NO_NEW_PRIVS");
  int listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
  if (listener < 0) return fail("seccomp");
  if (hand_over(listener) != 0) return fail("sendmsg");
  // The filter's own end of it: close-on-exec.
  execv(argv[2], argv + 2);
  return fail(argv[2]);
}
