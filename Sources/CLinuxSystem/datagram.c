// Floor 0: datagrams with descriptors to the service manager and the journal. A send waits as long as its socket
// allows. Any thread except a dispatcher's; no lock.
#include "cuio_datagram.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

int cuio_datagram_create(int timeout_ms) {
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | (timeout_ms == 0 ? SOCK_NONBLOCK : 0), 0);
  if (fd < 0) return -errno;
  struct timeval timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
  if (timeout_ms == 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) == 0) return fd;
  int error = errno;
  close(fd);
  return -error;
}

// The length of the address, or 0 when it is none.
static socklen_t read_address(const char *text, struct sockaddr_un *address) {
  size_t length = strlen(text);
  if ((text[0] != '/' && text[0] != '@') || length < 2 || length >= sizeof address->sun_path) return 0;
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  memcpy(address->sun_path, text, length);
  // An abstract name begins with a zero and has no other at its end; a path has one.
  if (text[0] == '@') address->sun_path[0] = 0;
  return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (text[0] == '/'));
}

int cuio_datagram_send(int fd, const char *text, const void *bytes, size_t length, const int *descriptors,
                       size_t count) {
  struct sockaddr_un address;
  socklen_t address_length = read_address(text, &address);
  if (address_length == 0) return -EINVAL;
  if (count > CUIO_DATAGRAM_DESCRIPTORS) return -E2BIG;

  struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
  struct msghdr message = {.msg_name = &address, .msg_namelen = address_length, .msg_iov = &part, .msg_iovlen = 1};
  _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * CUIO_DATAGRAM_DESCRIPTORS)];
  if (count > 0) {
    memset(control, 0, sizeof control);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(header), descriptors, sizeof(int) * count);
  }
  for (;;) {
    if (sendmsg(fd, &message, MSG_NOSIGNAL) >= 0) return 0;
    if (errno != EINTR) return -errno;
  }
}
