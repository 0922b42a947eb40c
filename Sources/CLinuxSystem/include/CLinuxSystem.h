// Floor 0: what the kernel gives every program, for Swift, whose Glibc module does not show it. Descriptors, epoll,
// eventfd, timerfd, signalfd, sockets with descriptors, clock, memory, threads. Small functions, one concern a header;
// any thread may call them. Every error is a -errno; nothing here allocates, logs or decides.
#ifndef CLINUXSYSTEM_H
#define CLINUXSYSTEM_H

#include "cuio_attributes.h"
#include "cuio_clock.h"
#include "cuio_control.h"
#include "cuio_datagram.h"
#include "cuio_event.h"
#include "cuio_memory.h"
#include "cuio_poller.h"
#include "cuio_thread.h"
#include "linux_epoll.h"
#include "linux_error.h"
#include "linux_socket.h"

#endif
