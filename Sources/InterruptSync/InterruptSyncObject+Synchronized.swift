import CUIO
import Glibc

extension InterruptSyncObject {
  /// Runs `routine` in the calling thread, exclusive of the object's service routines and of every
  /// other synchronized routine (P30, P31), before, during and after connection alike (P34, N3).
  ///
  /// Any level up to DIRQL.
  /// - Returns: the routine's own status (P33), or STATUS_POSSIBLE_DEADLOCK without running it when
  ///   the calling thread already holds the lock (N4) or one that the lock's holder waits for, or
  ///   STATUS_UNSUCCESSFUL when the thread that held it died.
  public func callSynchronizedRoutine(
    _ routine: InterruptSyncRoutine, context: UnsafeMutableRawPointer?
  ) -> NTStatus {
    let core = unsafe storage.core
    let result = unsafe cuio_lock_acquire(core.pointee.lock)
    guard result == 0 else { return refusedStatus(result) }
    let level = cuio_thread_set_level(InterruptLevel.device.rawValue)
    unsafe cuio_counter_add(&core.pointee.counters.synchronizedCalls, 1)
    let status = unsafe cuio_call(routine, core.pointee.object, context)
    _ = cuio_thread_set_level(level)
    _ = unsafe cuio_lock_release(core.pointee.lock)
    cuio_thread_left_lock()
    return NTStatus(rawValue: status)
  }

  /// Runs a closure the same way and gives back what it returns.
  ///
  /// - Throws: `wouldDeadlock` without running it when the calling thread already holds the lock
  ///   (N4), or one that the lock's holder waits for; `lockOwnerDied`.
  public func callSynchronizedRoutine<R>(_ routine: () -> R) throws(InterruptSyncError) -> R {
    let core = unsafe storage.core
    let result = unsafe cuio_lock_acquire(core.pointee.lock)
    guard result == 0 else { throw refused(result) }
    let level = cuio_thread_set_level(InterruptLevel.device.rawValue)
    defer {
      _ = cuio_thread_set_level(level)
      _ = unsafe cuio_lock_release(core.pointee.lock)
      cuio_thread_left_lock()
    }
    unsafe cuio_counter_add(&core.pointee.counters.synchronizedCalls, 1)
    return routine()
  }

  // Apart, so that the call above keeps a small frame.
  @inline(never)
  private func refusedStatus(_ result: Int32) -> NTStatus { refused(result).status }

  @inline(never)
  private func refused(_ result: Int32) -> InterruptSyncError {
    storage.refused(result, "call a synchronized routine")
  }
}

extension SyncStorage {
  /// What a failed acquisition means.
  func refused(_ result: Int32, _ operation: String) -> InterruptSyncError {
    guard lock.isHeldByCaller else {
      if result == -EDEADLK { return Verifier.violation(crossing(operation)) }
      return InterruptSyncError(
        .lockOwnerDied, object: name, operation: operation,
        cause: "the thread that held the interrupt lock ended inside a routine",
        hint: "restart the process",
        errno: -result)
    }
    // The caller owns the lock, so it may write the counter.
    unsafe cuio_counter_add(&core.pointee.counters.refusedCalls, 1)
    return Verifier.violation(wouldDeadlock(operation))
  }

  /// The kernel follows the chain of owners and waiters, and has found the caller at its end.
  private func crossing(_ operation: String) -> InterruptSyncError {
    InterruptSyncError(
      .wouldDeadlock, object: name, operation: operation,
      cause: "its lock is held by a thread that waits for a lock of the calling thread",
      hint: "take the locks in one order everywhere, or give the objects one lock (K7)",
      errno: EDEADLK)
  }
}
