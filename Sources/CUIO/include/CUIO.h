// The shim between Swift and the kernel. Small functions, one concern a header; every error is a -errno;
// nothing here allocates, logs or decides.
#ifndef CUIO_H
#define CUIO_H

#include "cuio_attributes.h"
#include "cuio_clock.h"
#include "cuio_control.h"
#include "cuio_counter.h"
#include "cuio_datagram.h"
#include "cuio_event.h"
#include "cuio_line.h"
#include "cuio_lock.h"
#include "cuio_memory.h"
#include "cuio_poller.h"
#include "cuio_probe.h"
#include "cuio_register.h"
#include "cuio_ring.h"
#include "cuio_routine.h"
#include "cuio_spin.h"
#include "cuio_system.h"
#include "cuio_thread.h"
#include "cuio_thread_state.h"

#endif
