// Why a result is `Sendable` and not merely `sending`: the compiler checks neither that a sending
// result of a body over `inout sending` is apart from the state, so a reference into it could leave
// the lock.
import CUIO

extension InterruptSync where State: ~Copyable {
  /// Runs `body` in the calling thread with the state, exclusive of the object's service routines
  /// and of every other synchronized body (P30, P31), before, during and after connection alike
  /// (P34, N3).
  ///
  /// Any level up to DIRQL. The body runs at DIRQL: it must not wait.
  /// - Throws: `wouldDeadlock` without running it when the calling thread already holds the lock,
  ///   as service routines and synchronized bodies do (N4); `lockOwnerDied`.
  @inlinable
  public func synchronize<Result: Sendable & ~Copyable>(
    _ body: (inout sending State) -> Result
  ) throws(InterruptSyncError) -> Result {
    let level = try object.enterSynchronized()
    defer { object.leaveSynchronized(level) }
    return unsafe body(&pointer.pointee)
  }

  /// Moves `value` in for `body` to put into the state: what it refers to cannot be used outside
  /// any more. Refused, the value is destroyed.
  ///
  /// Level and errors as `synchronize(_:)`.
  @inlinable
  public func synchronize<Value: ~Copyable, Result: Sendable & ~Copyable>(
    sending value: consuming sending Value,
    _ body: (inout sending State, consuming sending Value) -> Result
  ) throws(InterruptSyncError) -> Result {
    let level = try object.enterSynchronized()
    defer { object.leaveSynchronized(level) }
    return unsafe body(&pointer.pointee, value)
  }
}

// The compiler prefers the form above whenever the body does not throw.
extension InterruptSync where State: ~Copyable {
  /// `synchronize(_:)` for a body that throws.
  ///
  /// - Throws: `refused` when the body did not run, with the errors of that form; `body` with what it
  ///   threw.
  @inlinable
  public func synchronize<Result: Sendable & ~Copyable, Failure: Error>(
    _ body: (inout sending State) throws(Failure) -> Result
  ) throws(SynchronizeError<Failure>) -> Result {
    let level: Int32
    do throws(InterruptSyncError) { level = try object.enterSynchronized() } catch {
      throw .refused(error)
    }
    defer { object.leaveSynchronized(level) }
    do throws(Failure) { return try unsafe body(&pointer.pointee) } catch { throw .body(error) }
  }
}

extension InterruptSyncObject {
  /// Takes the lock and raises the level, for code that clients compile.
  /// - Returns: the level before, which `leaveSynchronized(_:)` takes back.
  @usableFromInline func enterSynchronized() throws(InterruptSyncError) -> Int32 {
    let core = unsafe storage.core
    let result = unsafe cuio_lock_acquire(core.pointee.lock)
    guard result == 0 else { throw storage.refused(result, "synchronize") }
    unsafe cuio_counter_add(&core.pointee.counters.synchronizedCalls, 1)
    return cuio_thread_set_level(InterruptLevel.device.rawValue)
  }

  @usableFromInline func leaveSynchronized(_ level: Int32) {
    _ = cuio_thread_set_level(level)
    _ = unsafe cuio_lock_release(storage.core.pointee.lock)
    cuio_thread_left_lock()
  }
}
