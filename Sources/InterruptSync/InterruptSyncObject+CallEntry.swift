import CUIO

extension InterruptSyncObject {
  /// `callSynchronizedRoutine` for surfaces that have to tell a refusal from a status of the
  /// routine's own: what it throws means that the routine has not run.
  ///
  /// - Throws: `wouldDeadlock` (N4), `lockOwnerDied`.
  package func callEntry(
    _ routine: InterruptSyncRoutine, context: UnsafeMutableRawPointer?
  ) throws(InterruptSyncError) -> Int32 {
    let core = unsafe storage.core
    let result = unsafe cuio_lock_acquire(core.pointee.lock)
    guard result == 0 else { throw storage.refused(result, "call a synchronized routine") }
    let level = cuio_thread_set_level(InterruptLevel.device.rawValue)
    unsafe cuio_counter_add(&core.pointee.counters.synchronizedCalls, 1)
    let status = unsafe cuio_call(routine, core.pointee.object, context)
    _ = cuio_thread_set_level(level)
    _ = unsafe cuio_lock_release(core.pointee.lock)
    cuio_thread_left_lock()
    return status
  }
}
