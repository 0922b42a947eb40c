// Synchronized calls for surfaces that find an object through a handle of their own.
package import CUIO

extension InterruptSyncObject {
  /// What `callEntry` takes; lasts as long as the object.
  package var callTarget: UnsafeMutableRawPointer {
    unsafe UnsafeMutableRawPointer(storage.core)
  }

  /// The lock that `callTarget`'s calls take and the counter that they raise with it held, for a
  /// surface that makes the call in C. The lock's memory stays a lock's for ever, the counter lasts
  /// as long as the object.
  package var callGate: (lock: UnsafeMutablePointer<cuio_lock>, calls: UnsafeMutablePointer<UInt64>)
  {
    let core = unsafe storage.core
    return unsafe (core.pointee.lock, core.pointer(to: \.counters.synchronizedCalls)!)
  }

  /// The error behind a result of `callEntry` that is not 0: `wouldDeadlock` (N4) or
  /// `lockOwnerDied`.
  package func callRefusal(_ result: Int32) -> InterruptSyncError {
    storage.refused(result, "call a synchronized routine")
  }
}

/// `callSynchronizedRoutine` by an object's `callTarget`: one load nearer to the lock, and with a
/// refusal told from the routine's own status. The routine may let go of the object's last
/// reference (N12). Not a method: that would ask for the class's metadata at each call.
///
/// - Parameter status: where the routine's status goes, or nil.
/// - Returns: 0, or a negative errno when the routine has not run: `callRefusal` then says why.
package func callEntry(
  _ target: UnsafeMutableRawPointer, _ routine: InterruptSyncRoutine,
  context: UnsafeMutableRawPointer?, status: UnsafeMutablePointer<Int32>?
) -> Int32 {
  let core = unsafe target.assumingMemoryBound(to: SyncCore.self)
  let lock = unsafe core.pointee.lock
  let result = unsafe cuio_lock_acquire(lock)
  guard result == 0 else { return result }
  let level = cuio_thread_set_level(InterruptLevel.device.rawValue)
  unsafe cuio_counter_add(&core.pointee.counters.synchronizedCalls, 1)
  let own = unsafe cuio_call(routine, core.pointee.object, context)
  _ = cuio_thread_set_level(level)
  _ = unsafe cuio_lock_release(lock)
  cuio_thread_left_lock()
  if let status = unsafe status { unsafe status.pointee = own }
  return 0
}
