// C interface, floor 5: the interrupt of one connection (GetKInterrupt), and the interrupt lock. Programs call it on
// any thread. A synchronized routine runs on the caller's thread with the interrupt lock held; when the call returns,
// the lock is free again.
#ifndef INTERRUPTSYNC_INTERRUPT_H
#define INTERRUPTSYNC_INTERRUPT_H

#include "base.h"

INTERRUPTSYNC_BEGIN

/// A routine for interruptsync_interrupt_synchronize() (K3).
typedef bool (*interruptsync_execution)(void *context);

/// The interrupt of the current connection (P28, N14). The handle becomes invalid when the connection ends.
/// Errors: -ENOTCONN (the object is not connected), -EINVAL.
int interruptsync_object_get_interrupt(interruptsync_object *object, interruptsync_interrupt **interrupt);

/// Whether its connection still exists: 1 or 0.
int interruptsync_interrupt_is_valid(interruptsync_interrupt *interrupt);

/// KeSynchronizeExecution: runs `routine` under the object's lock in the calling thread (P29, K1). `result`, which may
/// be NULL, receives the routine's result (K3).
/// Errors, after which the routine has not run: -EDEADLK (N4), -ENODEV (the interrupt was disconnected), -EOWNERDEAD,
/// -EINVAL.
int interruptsync_interrupt_synchronize(interruptsync_interrupt *interrupt, interruptsync_execution routine,
                                        void *context, bool *result);

/// A lock to give to several objects (K7). Priority-inheriting, not recursive (N6). Errors: -EINVAL.
int interruptsync_lock_create(interruptsync_lock **lock);

/// The object's lock: its own, or the one in its options.
int interruptsync_object_get_lock(interruptsync_object *object, interruptsync_lock **lock);

/// Whether the calling thread holds it, which means that it runs inside a routine under this lock: 1 or 0.
int interruptsync_lock_is_held(interruptsync_lock *lock);

/// A routine that repairs what the lock guards.
typedef void (*interruptsync_repair)(void *context);

/// After a thread has ended inside a routine under this lock (it was cancelled, or called pthread_exit), what the lock
/// guards may be half done: every call that would take the lock fails with -EOWNERDEAD. Runs `routine`, which may be
/// NULL, with the lock and at DEVICE level; from its end on the lock is as any other, and its objects can be connected
/// again. Errors: -EINVAL (no thread has ended inside a routine, or not a live handle), -EDEADLK, -ECHILD.
int interruptsync_lock_repair(interruptsync_lock *lock, interruptsync_repair routine, void *context);

INTERRUPTSYNC_END

#endif
