// Deferred routines: what a service routine leaves for later, run without the interrupt lock (N22).
#ifndef INTERRUPTSYNC_DEFERRED_H
#define INTERRUPTSYNC_DEFERRED_H

#include "object.h"

INTERRUPTSYNC_BEGIN

/// The context given at creation and the two arguments given when it was queued. Runs at DISPATCH level on the queue's
/// thread.
typedef void (*interruptsync_deferred_routine)(void *context, void *argument1, void *argument2);

/// Starts a thread that runs deferred routines one after the other. `name` NULL for "deferred", `attributes` NULL for
/// defaults. Releasing the last reference waits for what is queued. Level: PASSIVE.
/// Errors: -EMFILE, -EAGAIN or -ENOMEM (no descriptor or thread), -EINVAL.
int interruptsync_queue_create(const char *name, const interruptsync_thread_attributes *attributes,
                               interruptsync_queue **queue);

/// Waits until everything queued before the call has run (KeFlushQueuedDpcs, D3). Level: PASSIVE.
/// Errors: -EPERM (called where it could wait for itself), -EINVAL.
int interruptsync_queue_flush(interruptsync_queue *queue);

/// A deferred routine on `queue`; it never runs concurrently with itself. `context` must outlive it.
/// Errors: -EINVAL.
int interruptsync_deferred_create(interruptsync_queue *queue, interruptsync_deferred_routine routine, void *context,
                                  interruptsync_deferred **deferred);

/// Queues it (KeInsertQueueDpc). From a service routine the wake-up goes out once the interrupt lock is free.
/// Returns 1, or 0 when it was queued already: the earlier arguments stay (D1). From the moment it starts it can be
/// queued again (D2). Errors: -EINVAL.
int interruptsync_deferred_enqueue(interruptsync_deferred *deferred, void *argument1, void *argument2);

/// Takes it back (KeRemoveQueueDpc); does not wait for one that runs.
/// Returns 1 when it was queued and will not run for that queueing, else 0. Errors: -EINVAL.
int interruptsync_deferred_remove(interruptsync_deferred *deferred);

INTERRUPTSYNC_END

#endif
