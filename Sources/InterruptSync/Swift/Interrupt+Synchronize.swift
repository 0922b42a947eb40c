// Room Swift: synchronized bodies over the typed state. Drivers call it, in the calling thread at
// any level up to DIRQL, or awaited from a task: then the body runs on the async worker's thread.
// The body runs at DIRQL under the interrupt lock, which the call takes and releases.
//
// Why a result is `Sendable` and not merely `sending`: the compiler does not check that a sending
// result of a body over `inout sending` is apart from the state, so a reference into it could leave
// the lock.

extension Interrupt where State: ~Copyable {
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
extension Interrupt where State: ~Copyable {
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

extension Interrupt where State: ~Copyable {
  /// Runs `body` with the state under the interrupt lock, on a thread of the object's own, so that
  /// waiting for the lock blocks no thread of the cooperative pool. Exclusion as `synchronize(_:)`.
  ///
  /// From any task. Some microseconds and a few allocations a call: control plane only. The first
  /// call starts the thread. A cancelled task does not take the body back.
  /// - Throws: `resourcesExhausted` when it cannot create a thread, `lockOwnerDied`.
  public func synchronize<Result: Sendable>(
    _ body: sending @escaping (inout sending State) -> Result
  ) async throws(InterruptSyncError) -> Result {
    try worker.start()
    let sent = Sent(body)
    let outcome = await withCheckedContinuation { continuation in
      worker.enqueue {
        continuation.resume(
          returning: Swift.Result { () throws(InterruptSyncError) in
            try self.synchronize(sent.value)
          })
      }
    }
    return try outcome.get()
  }

  /// The same for a body that throws.
  ///
  /// - Throws: `refused` when the body did not run, with the errors above; `body` with what it
  ///   threw.
  public func synchronize<Result: Sendable, Failure: Error>(
    _ body: sending @escaping (inout sending State) throws(Failure) -> Result
  ) async throws(SynchronizeError<Failure>) -> Result {
    do throws(InterruptSyncError) { try worker.start() } catch { throw .refused(error) }
    let sent = Sent(body)
    let outcome = await withCheckedContinuation { continuation in
      worker.enqueue {
        continuation.resume(
          returning: Swift.Result { () throws(SynchronizeError<Failure>) in
            try self.synchronize(sent.value)
          })
      }
    }
    return try outcome.get()
  }
}

/// Why a synchronized body that can throw gave no result.
public enum SynchronizeError<Body: Error>: Error, CustomStringConvertible {
  /// The body did not run: `wouldDeadlock` when the calling thread already holds the lock (N4),
  /// `lockOwnerDied`; from the async form also `resourcesExhausted`.
  case refused(InterruptSyncError)
  /// The body ran and threw this.
  case body(Body)

  /// The refusal's sentence, or the body's error.
  public var description: String {
    switch self {
    case .refused(let error): error.description
    case .body(let error): String(describing: error)
    }
  }
}

extension SynchronizeError: Equatable where Body: Equatable {}
