// Room Object: synchronized calls, in each shape that a surface needs. The room Swift, the C and
// Windows layers and hosted drivers call it on the caller's thread, at any level up to DIRQL; the
// routine runs at DIRQL under the interrupt lock, which the call takes and releases, and must not
// wait. Every shape enters and leaves by the same pair (cuio_lock.h). Only `acquireInterruptLock`,
// for the Windows layer, returns with the lock held.
package import CUIO

extension Cell<SyncCore> {
  /// Acquires, raises the level and counts the call.
  /// - Returns: the level that `leave(_:)` restores, or a negative error number.
  @inline(__always) func enter() -> Int32 {
    unsafe cuio_lock_enter(value.entry.lock, &value.entry.calls)
  }

  @inline(__always) func leave(_ level: Int32) { unsafe cuio_lock_leave(value.entry.lock, level) }
}

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
    let core = storage.core
    let level = core.enter()
    guard level >= 0 else { return refused(level, "call a synchronized routine").status }
    let status = unsafe cuio_call(routine, core.value.entry.object, context)
    core.leave(level)
    return NTStatus(rawValue: status)
  }

  /// Runs a closure the same way and gives back what it returns.
  ///
  /// - Throws: `wouldDeadlock` without running it when the calling thread already holds the lock
  ///   (N4), or one that the lock's holder waits for; `lockOwnerDied`.
  public func callSynchronizedRoutine<R>(_ routine: () -> R) throws(InterruptSyncError) -> R {
    let core = storage.core
    let level = core.enter()
    guard level >= 0 else { throw refused(level, "call a synchronized routine") }
    defer { core.leave(level) }
    return routine()
  }

  // Apart, so that the calls above keep a small frame.
  @inline(never)
  func refused(_ result: Int32, _ operation: String) -> InterruptSyncError {
    storage.refused(result, operation)
  }
}

// For code that clients compile.
extension InterruptSyncObject {
  /// - Returns: the level before, which `leaveSynchronized(_:)` restores.
  @usableFromInline func enterSynchronized() throws(InterruptSyncError) -> Int32 {
    let level = storage.core.enter()
    guard level >= 0 else { throw refused(level, "synchronize") }
    return level
  }

  @usableFromInline func leaveSynchronized(_ level: Int32) { storage.core.leave(level) }
}

// Acquire and release as two calls, for surfaces whose documents have them
// (KeAcquireInterruptSpinLock). Everyone else uses a synchronized routine, which cannot forget.
extension InterruptSyncObject {
  /// Takes the interrupt lock and raises the calling thread to DIRQL (K25).
  ///
  /// Any level up to DIRQL.
  /// - Returns: the thread's level before, which `releaseInterruptLock` restores.
  /// - Throws: `wouldDeadlock` when the calling thread already holds the lock (N4);
  ///   `lockOwnerDied`. The lock has not been taken then.
  package func acquireInterruptLock() throws(InterruptSyncError) -> Int32 {
    let level = storage.core.enter()
    guard level >= 0 else { throw refused(level, "acquire the interrupt lock") }
    return level
  }

  /// Releases the lock and restores the thread's level. False: the calling thread does not hold it,
  /// and nothing was done.
  package func releaseInterruptLock(restoring level: Int32) -> Bool {
    guard storage.lock.isHeldByCaller else { return false }
    storage.lock.leave(level)
    return true
  }
}

// For surfaces that find an object through a handle of their own.
extension InterruptSyncObject {
  /// Where such a surface makes the call itself, as those above do. It lasts as long as the object,
  /// which the routine may release (N12). The lock's memory is never used for anything else.
  package var entry: UnsafeMutablePointer<cuio_entry> {
    unsafe storage.core.pointer.pointer(to: \.entry)!
  }

  /// The error that a negative level of `cuio_lock_enter` means: `wouldDeadlock` (N4) or
  /// `lockOwnerDied`.
  package func callRefusal(_ result: Int32) -> InterruptSyncError {
    refused(result, "call a synchronized routine")
  }
}
