// interruptsync.h: interrupts of UIO and VFIO devices and GPIO lines, serviced in user space under a lock. For C17 and
// C++17 and later. This is floor 5 of docs/architecture.md: programs include it, and the target InterruptSyncC
// implements it.
//
// An object owns an interrupt line and a lock. Service routines run when the line fires, synchronized routines run when
// a caller asks, and no two of them ever run at once. Rule numbers in comments (P10, N4) and facts (fact 42) are those
// of docs/semantics.md and docs/uio.md; V25 and its like are facts of docs/vfio.md, G5 and its like of docs/gpio.md.
//
// Results. A function that returns int returns 0 (or the small positive number that its comment names), or a negative
// errno. After an error interruptsync_last_error() returns the full sentence. The library writes to an out-parameter
// only on success. Every function that takes a handle returns -EINVAL for NULL, for a released handle, and for a handle
// of another kind.
//
// Handles are counted. A function that makes a handle gives you one reference; interruptsync_retain() adds one, and
// interruptsync_release() removes one. You can release the handle that another one was made from first: the library
// keeps what it needs. Do not release the last reference while another thread is inside a call with the same handle.
//
// Structs begin with `size`. Set it to sizeof of the struct that you compile with, and every other field to zero, or
// use INTERRUPTSYNC_STRUCT, which does both. Zero means the default everywhere.
//
// Levels. Ordinary code runs at INTERRUPTSYNC_PASSIVE, a deferred routine at INTERRUPTSYNC_DISPATCH, a service or
// synchronized routine at INTERRUPTSYNC_DEVICE. Unless its comment says otherwise, any thread may call a function at
// any level. A C++ exception must not leave a routine.
#ifndef INTERRUPTSYNC_H
#define INTERRUPTSYNC_H

#include "interruptsync/base.h"
#include "interruptsync/deferred.h"
#include "interruptsync/device.h"
#include "interruptsync/dma.h"
#include "interruptsync/driver.h"
#include "interruptsync/gpio.h"
#include "interruptsync/group.h"
#include "interruptsync/interrupt.h"
#include "interruptsync/line.h"
#include "interruptsync/object.h"
#include "interruptsync/process.h"
#include "interruptsync/region.h"
#include "interruptsync/statistics.h"
#include "interruptsync/vfio.h"

#endif
