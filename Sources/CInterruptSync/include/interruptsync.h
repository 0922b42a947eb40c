// interruptsync.h: interrupts of UIO devices, serviced in user space under a lock. For C17 and C++17 and later.
//
// An object owns an interrupt line and a lock. Service routines run when the line fires, synchronized routines run
// when a caller asks, and no two of them ever run at once. Rule numbers in comments (P10, N4) and facts (fact 42) are
// those of docs/semantics.md and docs/uio.md.
//
// Results. A function that returns int answers 0 (or the small positive number its comment names) or a negative errno;
// interruptsync_last_error() then has the full sentence. What an out-parameter points at is written only on success.
// Every function with a handle answers -EINVAL for NULL, for a handle that was released, and for one of another kind.
//
// Handles are counted: a function that makes one gives its caller one reference, interruptsync_retain() adds one and
// interruptsync_release() takes one. What a handle was made from may be released before it: the library keeps what it
// needs. The last reference must not go while another thread is inside a call with the same handle.
//
// Structs begin with `size`, which the caller sets to sizeof of the struct it was compiled with, and are otherwise
// zero-initialised, for which there is INTERRUPTSYNC_STRUCT; zero means the default everywhere.
//
// Levels. INTERRUPTSYNC_PASSIVE is ordinary code, INTERRUPTSYNC_DISPATCH a deferred routine, INTERRUPTSYNC_DEVICE a
// service or synchronized routine. Where a comment says nothing, any thread may call at any level. C++ routines must
// not let exceptions out.
#ifndef INTERRUPTSYNC_H
#define INTERRUPTSYNC_H

#include "interruptsync/base.h"
#include "interruptsync/deferred.h"
#include "interruptsync/device.h"
#include "interruptsync/driver.h"
#include "interruptsync/group.h"
#include "interruptsync/interrupt.h"
#include "interruptsync/line.h"
#include "interruptsync/object.h"
#include "interruptsync/process.h"
#include "interruptsync/region.h"
#include "interruptsync/statistics.h"

#endif
