import CUIO

// Acquire and release as two calls, for surfaces whose documents have them
// (KeAcquireInterruptSpinLock). Everyone else uses a synchronized routine, which cannot forget.

extension InterruptSyncObject {
  /// Takes the interrupt lock and raises the calling thread to DIRQL (K25).
  ///
  /// Any level up to DIRQL.
  /// - Returns: the thread's level before, to be given to `releaseInterruptLock`.
  /// - Throws: `wouldDeadlock` when the calling thread already holds the lock (N4);
  ///   `lockOwnerDied`. The lock has not been taken then.
  package func acquireInterruptLock() throws(InterruptSyncError) -> Int32 {
    let result = unsafe cuio_lock_acquire(storage.core.pointee.lock)
    guard result == 0 else { throw storage.refused(result, "acquire the interrupt lock") }
    unsafe cuio_counter_add(&storage.core.pointee.counters.synchronizedCalls, 1)
    return cuio_thread_set_level(InterruptLevel.device.rawValue)
  }

  /// Gives the lock back and the thread its level. False: the calling thread does not hold it, and
  /// nothing was done.
  package func releaseInterruptLock(restoring level: Int32) -> Bool {
    guard storage.lock.isHeldByCaller else { return false }
    _ = cuio_thread_set_level(level)
    storage.lock.release()
    return true
  }
}

extension InterruptLock {
  /// Takes the lock without an object, for spin locks that interrupts may share (K7).
  /// - Returns: 0, or a negative error number: -EDEADLK when the calling thread holds it already.
  package func acquire() -> Int32 { unsafe cuio_lock_acquire(raw) }

  /// Takes it only if it is free.
  package func tryAcquire() -> Bool { unsafe cuio_lock_acquire_for(raw, 0) == 0 }

  /// Takes it within a time. Any level at which the caller may wait that long.
  /// - Returns: as `acquire()`, or -ETIMEDOUT.
  package func acquire(withinNanoseconds limit: Int64) -> Int32 {
    unsafe cuio_lock_acquire_for(raw, limit)
  }

  /// Gives it back; wake-ups that were put off go out.
  package func release() {
    _ = unsafe cuio_lock_release(raw)
    cuio_thread_left_lock()
  }
}
