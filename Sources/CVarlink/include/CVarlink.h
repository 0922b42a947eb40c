// What the control plane needs of the kernel and Swift's Glibc module does not show: descriptors over sockets, who the
// peer is, epoll and its clocks. Small functions; every error is a -errno; nothing here allocates, logs or decides.
#ifndef CVARLINK_H
#define CVARLINK_H

#include "cvarlink_loop.h"
#include "cvarlink_socket.h"

#endif
