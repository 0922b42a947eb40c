// Floor 0: AF_UNIX sockets that carry descriptors: streams for Varlink, datagrams from the Journal room to the service
// manager and the journal. Only linux_connect() and linux_datagram_send() wait, each as long as its timeout allows. One
// thread at a time for each stream socket, the control thread or a client's; any thread except a dispatcher's for a
// datagram. No lock is taken.
#define _GNU_SOURCE
#include "linux_socket.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

// The length of the address, or -errno.
static int address_of(struct sockaddr_un *address, const char *name, size_t length, bool is_abstract) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  // A path ends with a zero, an abstract name begins with one.
  if (length == 0) return -EINVAL;
  if (length > sizeof address->sun_path - 1) return -ENAMETOOLONG;
  memcpy(address->sun_path + is_abstract, name, length);
  return (int)(offsetof(struct sockaddr_un, sun_path) + length + 1);
}

int linux_socket(void) {
  int result = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return result < 0 ? -errno : result;
}

int linux_connect(int socket, const char *name, size_t length, bool is_abstract, uint64_t timeout_milliseconds) {
  struct sockaddr_un address;
  int size = address_of(&address, name, length, is_abstract);
  if (size < 0) return size;
  struct timeval timeout = {.tv_sec = (time_t)(timeout_milliseconds / 1000),
                            .tv_usec = (suseconds_t)(timeout_milliseconds % 1000 * 1000)};
  if (setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) < 0) return -errno;
  while (connect(socket, (struct sockaddr *)&address, (socklen_t)size) < 0)
    if (errno != EINTR) return -errno;
  return 0;
}

int linux_bind(int socket, const char *name, size_t length, bool is_abstract, uint32_t mode) {
  struct sockaddr_un address;
  int size = address_of(&address, name, length, is_abstract);
  if (size < 0) return size;
  // The node takes the socket's own mode, less the umask.
  if (fchmod(socket, mode) < 0) return -errno;
  return bind(socket, (struct sockaddr *)&address, (socklen_t)size) < 0 ? -errno : 0;
}

static int option(int socket, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(socket, SOL_SOCKET, name, &value, &size) < 0 ? -errno : value;
}

int linux_is_listener(int socket) {
  int domain = option(socket, SO_DOMAIN), type = option(socket, SO_TYPE), accepts = option(socket, SO_ACCEPTCONN);
  if (domain < 0) return domain;
  if (type < 0) return type;
  if (accepts < 0) return accepts;
  return domain == AF_UNIX && type == SOCK_STREAM && accepts == 1;
}

int linux_accept(int socket) {
  int result = accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  return result < 0 ? -errno : result;
}

int linux_set_nonblocking(int descriptor) {
  int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0) return -errno;
  return fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

static int set_option(int socket, int name, int value) {
  return setsockopt(socket, SOL_SOCKET, name, &value, sizeof value) < 0 ? -errno : 0;
}

int linux_accept_descriptors(int socket, bool may) {
  set_option(socket, SO_PASSCRED, 0);
  set_option(socket, SO_PASSSEC, 0);
  set_option(socket, SO_PASSPIDFD, 0);
  return set_option(socket, SO_PASSRIGHTS, may);
}

long linux_peek(int socket, void *bytes, size_t room, bool *has_descriptors) {
  struct iovec vector = {.iov_base = bytes, .iov_len = room};
  struct msghdr message;
  ssize_t result;
  do {
    // Without room for descriptors the kernel says that there are some. A peek drops none of them.
    message = (struct msghdr){.msg_iov = &vector, .msg_iovlen = 1};
    result = recvmsg(socket, &message, MSG_PEEK | MSG_DONTWAIT);
  } while (result < 0 && errno == EINTR);
  *has_descriptors = result > 0 && (message.msg_flags & MSG_CTRUNC) != 0;
  return result < 0 ? -errno : result;
}

union control {
  char bytes[CMSG_SPACE(sizeof(int) * LINUX_DESCRIPTORS)];
  struct cmsghdr alignment;
};

long linux_receive(int socket, void *bytes, size_t room, int *descriptors, size_t *count, bool *is_cut) {
  union control control;
  struct iovec vector = {.iov_base = bytes, .iov_len = room};
  struct msghdr message;
  ssize_t result;
  do {
    message = (struct msghdr){.msg_iov = &vector,
                              .msg_iovlen = 1,
                              .msg_control = control.bytes,
                              .msg_controllen = sizeof control.bytes};
    result = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (result < 0 && errno == EINTR);
  *count = 0;
  *is_cut = false;
  if (result < 0) return -errno;
  *is_cut = (message.msg_flags & MSG_CTRUNC) != 0;
  for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part != NULL; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    size_t here = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(descriptors + *count, CMSG_DATA(part), here * sizeof(int));
    *count += here;
  }
  return result;
}

// Has the message carry the descriptors.
static void attach(struct msghdr *message, union control *control, const int *descriptors, size_t count) {
  if (count == 0) return;
  memset(control, 0, sizeof *control);
  message->msg_control = control->bytes;
  message->msg_controllen = CMSG_SPACE(sizeof(int) * count);
  struct cmsghdr *part = CMSG_FIRSTHDR(message);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof(int) * count);
  memcpy(CMSG_DATA(part), descriptors, sizeof(int) * count);
}

long linux_send(int socket, const void *bytes, size_t length, const int *descriptors, size_t count) {
  union control control;
  struct iovec vector = {.iov_base = (void *)bytes, .iov_len = length};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
  if (count > LINUX_DESCRIPTORS) return -EINVAL;
  attach(&message, &control, descriptors, count);
  ssize_t result;
  do {
    result = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : result;
}

int linux_peer(int socket, uint32_t *user, uint32_t *group, int32_t *process) {
  struct ucred credentials;
  socklen_t size = sizeof credentials;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) return -errno;
  *user = credentials.uid;
  *group = credentials.gid;
  *process = credentials.pid;
  return 0;
}

int linux_peer_groups(int socket, uint32_t *groups, size_t room) {
  _Static_assert(sizeof(gid_t) == sizeof(uint32_t), "a group is 32 bits");
  socklen_t size = (socklen_t)(room * sizeof(gid_t));
  if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0) return -errno;
  return (int)(size / sizeof(gid_t));
}

int linux_datagram_create(int timeout_ms) {
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | (timeout_ms == 0 ? SOCK_NONBLOCK : 0), 0);
  if (fd < 0) return -errno;
  struct timeval timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
  if (timeout_ms == 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) == 0) return fd;
  int error = errno;
  close(fd);
  return -error;
}

int linux_datagram_send(int fd, const char *text, const void *bytes, size_t length, const int *descriptors,
                        size_t count) {
  struct sockaddr_un address;
  size_t text_length = strlen(text);
  bool is_abstract = text[0] == '@';
  if ((text[0] != '/' && !is_abstract) || text_length < 2 || text_length >= sizeof address.sun_path) return -EINVAL;
  int size = address_of(&address, text + is_abstract, text_length - is_abstract, is_abstract);
  if (size < 0) return size;
  if (count > LINUX_DESCRIPTORS) return -E2BIG;

  struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
  struct msghdr message = {
      .msg_name = &address, .msg_namelen = (socklen_t)size, .msg_iov = &part, .msg_iovlen = 1};
  union control control;
  attach(&message, &control, descriptors, count);
  for (;;) {
    if (sendmsg(fd, &message, MSG_NOSIGNAL) >= 0) return 0;
    if (errno != EINTR) return -errno;
  }
}
