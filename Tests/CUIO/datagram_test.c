// Datagrams with descriptors beside them, to paths and to abstract names.
#define _GNU_SOURCE
#include "check.h"

#include "CUIO.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

// A socket that listens at a path or, behind an @, at an abstract name.
static int listener(const char *name) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = strlen(name);
  memcpy(address.sun_path, name, length);
  if (name[0] == '@') address.sun_path[0] = 0;
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  CHECK_EQUAL(bind(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)), 0);
  return fd;
}

static void name_in(char *name, size_t size, const char *prefix) {
  snprintf(name, size, "%sinterruptsync-check-%d", prefix, (int)getpid());
}

// Receives a datagram and the number of descriptors beside it; leaves the first one in `descriptor`.
static ssize_t receive(int fd, char *bytes, size_t size, int *descriptor) {
  struct iovec part = {bytes, size};
  _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * 2)];
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  ssize_t count = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  struct cmsghdr *header = count >= 0 ? CMSG_FIRSTHDR(&message) : NULL;
  *descriptor = -1;
  if (header && header->cmsg_type == SCM_RIGHTS) memcpy(descriptor, CMSG_DATA(header), sizeof(int));
  return count;
}

static void reaches(const char *name) {
  int receiver = listener(name), fd = linux_datagram_create(0), descriptor;
  CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
  char bytes[16];
  CHECK_EQUAL(linux_datagram_send(fd, name, "READY=1", 7, NULL, 0), 0);
  CHECK_EQUAL(receive(receiver, bytes, sizeof bytes, &descriptor), 7);
  CHECK_EQUAL(memcmp(bytes, "READY=1", 7), 0);
  CHECK_EQUAL(descriptor, -1);
  close(fd);
  close(receiver);
}

TEST(datagram_reaches_a_path) {
  char name[64];
  name_in(name, sizeof name, "/tmp/");
  reaches(name);
  CHECK_EQUAL(unlink(name), 0);
}

TEST(datagram_reaches_an_abstract_name) {
  char name[64];
  name_in(name, sizeof name, "@");
  reaches(name);
}

TEST(datagram_carries_descriptors) {
  char name[64], bytes[4];
  name_in(name, sizeof name, "@rights-");
  int receiver = listener(name), fd = linux_datagram_create(0), sent = check_file(5), received;
  CHECK_EQUAL(linux_datagram_send(fd, name, NULL, 0, &sent, 1), 0);
  CHECK_EQUAL(receive(receiver, bytes, sizeof bytes, &received), 0);
  struct stat one, other;
  CHECK_EQUAL(fstat(sent, &one), 0);
  CHECK_EQUAL(fstat(received, &other), 0);
  CHECK(received != sent && one.st_ino == other.st_ino && one.st_dev == other.st_dev);
  close(sent);
  close(received);
  close(receiver);
  close(fd);
}

TEST(datagram_takes_no_more_descriptors_than_the_kernel) {
  char name[64];
  name_in(name, sizeof name, "@many-");
  int receiver = listener(name), fd = linux_datagram_create(0), many[LINUX_DESCRIPTORS + 1];
  for (int i = 0; i <= LINUX_DESCRIPTORS; i++) many[i] = fd;
  CHECK_EQUAL(linux_datagram_send(fd, name, "x", 1, many, LINUX_DESCRIPTORS + 1), -E2BIG);
  CHECK_EQUAL(linux_datagram_send(fd, name, "x", 1, many, LINUX_DESCRIPTORS), 0);
  close(receiver);
  close(fd);
}

TEST(datagram_names_what_is_no_address) {
  int fd = linux_datagram_create(0);
  char longest[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
  memset(longest, 'a', sizeof longest - 1);
  longest[0] = '/';
  longest[sizeof longest - 1] = 0;
  const char *names[] = {"", "/", "@", "relative", "vsock:2:1", longest};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    CHECK_EQUAL(linux_datagram_send(fd, names[i], "x", 1, NULL, 0), -EINVAL);
  CHECK_EQUAL(linux_datagram_send(fd, "/nonexistent/interruptsync", "x", 1, NULL, 0), -ENOENT);
  CHECK_EQUAL(linux_datagram_send(fd, "@nobody-listens-to-interruptsync", "x", 1, NULL, 0), -ECONNREFUSED);
  close(fd);
}

TEST(datagram_that_nobody_takes_is_given_up) {
  char name[64];
  name_in(name, sizeof name, "@full-");
  for (int timeout = 0; timeout <= 20; timeout += 20) {
    int receiver = listener(name), fd = linux_datagram_create(timeout), result;
    do result = linux_datagram_send(fd, name, "x", 1, NULL, 0);
    while (result == 0);
    CHECK_EQUAL(result, -EAGAIN);
    close(receiver);
    close(fd);
  }
}
