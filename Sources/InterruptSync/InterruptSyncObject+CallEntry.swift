// Synchronized calls for surfaces that find an object through a handle of their own.
import CUIO

extension InterruptSyncObject {
  /// What `callEntry` takes; lasts as long as the object.
  package var callTarget: UnsafeMutableRawPointer {
    unsafe UnsafeMutableRawPointer(storage.core)
  }

  /// `callSynchronizedRoutine`, one load nearer to the lock, and with a refusal told from the
  /// routine's own status in one number, so that a surface adds nothing to the path.
  ///
  /// - Returns: the routine's status, or less than any status when the routine has not run:
  ///   `callRefusal` then says why.
  package static func callEntry(
    _ target: UnsafeMutableRawPointer, _ routine: InterruptSyncRoutine,
    context: UnsafeMutableRawPointer?
  ) -> Int64 {
    let core = unsafe target.assumingMemoryBound(to: SyncCore.self)
    let result = unsafe cuio_lock_acquire(core.pointee.lock)
    guard result == 0 else { return Int64.min - Int64(result) }
    let level = cuio_thread_set_level(InterruptLevel.device.rawValue)
    unsafe cuio_counter_add(&core.pointee.counters.synchronizedCalls, 1)
    let status = unsafe cuio_call(routine, core.pointee.object, context)
    _ = cuio_thread_set_level(level)
    _ = unsafe cuio_lock_release(core.pointee.lock)
    cuio_thread_left_lock()
    return Int64(status)
  }

  /// The error behind a result of `callEntry`, nil when the routine has run: `wouldDeadlock` (N4) or
  /// `lockOwnerDied`.
  package func callRefusal(_ result: Int64) -> InterruptSyncError? {
    guard result < Int64(Int32.min) else { return nil }
    return storage.refused(
      Int32(truncatingIfNeeded: Int64.min - result), "call a synchronized routine")
  }
}
