// Floor 0: the shim between Swift and the kernel on an interrupt's path. Every floor above may include it. Serving
// threads and the callers of synchronized calls run it, much of it with the interrupt lock held; each header says which
// thread and lock it needs. Small functions, one concern a header; every error is a -errno; nothing here logs or
// decides, and nothing that a dispatch calls allocates.
#ifndef CUIO_H
#define CUIO_H

#include "CLinuxSystem.h"

#include "cuio_bus_error.h"
#include "cuio_counter.h"
#include "cuio_edge_line.h"
#include "cuio_entry.h"
#include "cuio_followers.h"
#include "cuio_histogram.h"
#include "cuio_line.h"
#include "cuio_lock.h"
#include "cuio_probe.h"
#include "cuio_register.h"
#include "cuio_ring.h"
#include "cuio_routine.h"
#include "cuio_spin.h"
#include "cuio_system.h"
#include "cuio_thread_state.h"

#endif
