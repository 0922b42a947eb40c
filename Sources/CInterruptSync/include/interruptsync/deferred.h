// C interface, floor 5: deferred routines, work that a service routine leaves for later (N22). Programs make queues and
// routines at PASSIVE level. Programs and their routines queue from any thread at any level, also with the interrupt
// lock held, and never wait. A queue's own thread runs the routine at DISPATCH level without that lock.
#ifndef INTERRUPTSYNC_DEFERRED_H
#define INTERRUPTSYNC_DEFERRED_H

#include "object.h"

INTERRUPTSYNC_BEGIN

/// Gets the context of its creation and the two arguments of its queueing. Runs at DISPATCH level on the queue's
/// thread.
typedef void (*interruptsync_deferred_routine)(void *context, void *argument1, void *argument2);

/// Starts a thread that runs deferred routines one after the other. `name` NULL means "deferred", `attributes` NULL the
/// defaults. Releasing the last reference waits until all queued routines have run. Level: PASSIVE.
/// Errors: -EMFILE, -EAGAIN or -ENOMEM (no descriptor or thread), -EINVAL.
int interruptsync_queue_create(const char *name, const interruptsync_thread_attributes *attributes,
                               interruptsync_queue **queue);

/// Waits until everything queued before the call has run (KeFlushQueuedDpcs, D3). Level: PASSIVE.
/// Errors: -EPERM (the call would wait for itself), -EINVAL.
int interruptsync_queue_flush(interruptsync_queue *queue);

/// Makes a deferred routine on `queue`. It never runs concurrently with itself. `context` must outlive it.
/// Errors: -EINVAL.
int interruptsync_deferred_create(interruptsync_queue *queue, interruptsync_deferred_routine routine, void *context,
                                  interruptsync_deferred **deferred);

/// Queues it (KeInsertQueueDpc). A service routine's call wakes the queue's thread once the interrupt lock is free.
/// Returns 1, or 0 if it is queued already: the earlier arguments stay (D1). Once it has started it can be queued again
/// (D2).
/// Errors: -EINVAL.
int interruptsync_deferred_enqueue(interruptsync_deferred *deferred, void *argument1, void *argument2);

/// Removes it from the queue (KeRemoveQueueDpc); does not wait for a routine that runs.
/// Returns 1 if it was queued and will not run for that queueing, else 0.
/// Errors: -EINVAL.
int interruptsync_deferred_remove(interruptsync_deferred *deferred);

INTERRUPTSYNC_END

#endif
