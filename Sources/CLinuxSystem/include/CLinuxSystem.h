// Floor 0: what the kernel gives every program, for Swift, whose Glibc module does not show it. Descriptors, epoll,
// eventfd, timerfd, signalfd, sockets with descriptors, clock, memory, threads. CUIO, CVFIO and every floor above
// include it. Any thread calls it, most at PASSIVE level without a lock, wake-ups and the clock also with the interrupt
// lock held: each header says which. Small functions, one concern a header; every error is a -errno; nothing here logs
// or decides.
#ifndef CLINUXSYSTEM_H
#define CLINUXSYSTEM_H

#include "linux_attributes.h"
#include "linux_changes.h"
#include "linux_claim.h"
#include "linux_clock.h"
#include "linux_close.h"
#include "linux_control.h"
#include "linux_event.h"
#include "linux_huge_page.h"
#include "linux_memory.h"
#include "linux_pause.h"
#include "linux_poller.h"
#include "linux_process.h"
#include "linux_spawn.h"
#include "linux_thread.h"
#include "linux_end.h"
#include "linux_epoll.h"
#include "linux_error.h"
#include "linux_socket.h"
#include "linux_wake_pair.h"

#endif
