extension InterruptSync where State: ~Copyable {
  /// Runs `body` with the state under the interrupt lock, on a thread of the object's own, so that
  /// waiting for the lock blocks no thread of the cooperative pool. Exclusion as `synchronize(_:)`.
  ///
  /// From any task. Some microseconds and a few allocations a call: control plane only. The first
  /// call starts the thread. A cancelled task does not take the body back.
  /// - Throws: `resourcesExhausted` when there is no thread to be had, `lockOwnerDied`.
  public func synchronize<Result: Sendable>(
    _ body: sending @escaping (inout sending State) -> Result
  ) async throws(InterruptSyncError) -> Result {
    try edge.start()
    let sent = Sent(body)
    let outcome = await withCheckedContinuation { continuation in
      edge.enqueue {
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
    do throws(InterruptSyncError) { try edge.start() } catch { throw .refused(error) }
    let sent = Sent(body)
    let outcome = await withCheckedContinuation { continuation in
      edge.enqueue {
        continuation.resume(
          returning: Swift.Result { () throws(SynchronizeError<Failure>) in
            try self.synchronize(sent.value)
          })
      }
    }
    return try outcome.get()
  }
}
