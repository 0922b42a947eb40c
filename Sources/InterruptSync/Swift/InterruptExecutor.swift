// Room Swift: actors under the interrupt lock. Drivers make one at PASSIVE_LEVEL and name it in an
// actor; the Swift runtime calls `enqueue`, on any thread. Exclusion is the lock's, not the
// thread's: a holder of the lock is alone, and may therefore enter the actor without waiting for
// it. Jobs run on the executor's thread (AsyncWorker) at DIRQL under the interrupt lock: they must
// not wait.

/// A serial executor whose jobs run under an interrupt lock, on one thread, at DIRQL: the state of
/// an actor that names it is protected as an `Interrupt`'s is.
///
/// ```swift
/// actor Device {
///   nonisolated let executor: InterruptExecutor
///   nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
///   …
/// }
/// ```
///
/// A service routine of an object with the same lock enters such an actor by
/// `device.assumeIsolated { … }`, without a hop; so does a synchronized body. Inside the actor a
/// `synchronize` of that object is refused as `wouldDeadlock` (N4): the actor has the exclusion
/// already. The lock is free while the actor awaits.
///
/// Control plane only: a hop costs two thread switches, tens of microseconds across processors, and
/// some allocations; and a job holds interrupts off for as long as it runs.
public final class InterruptExecutor: SerialExecutor {
  /// The lock that jobs run under.
  public let lock: InterruptLock
  private let worker: AsyncWorker

  /// Starts the thread. Any level below DIRQL.
  ///
  /// - Parameters:
  ///   - lock: that of the sync object whose routines the actors exclude.
  ///   - name: for the thread and for messages.
  ///   - attributes: of the thread; what the system refuses is done without.
  /// - Throws: `resourcesExhausted`.
  public init(
    lock: InterruptLock, name: String = "actor",
    attributes: DispatcherAttributes = DispatcherAttributes()
  ) throws(InterruptSyncError) {
    self.lock = lock
    worker = AsyncWorker(name: name, attributes: attributes)
    try worker.start()
  }

  /// Takes a job. Called by the concurrency runtime, on any thread.
  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    // The job keeps the executor, which its actor may be the last to hold.
    worker.enqueue {
      self.locked { unsafe job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
  }

  /// Whether the calling thread holds the lock, and so excludes every job. Called by the runtime,
  /// as `assumeIsolated` has it.
  public func isIsolatingCurrentContext() -> Bool? { lock.isHeldByCaller }

  /// Stops the process unless the calling thread holds the lock.
  public func checkIsolated() {
    precondition(
      lock.isHeldByCaller,
      """
      the actor's state belongs to the holder of the interrupt lock; await it, or enter it from a \
      service routine
      """)
  }

  /// Runs `routine` under the lock on the executor's thread, for a task that must not block a
  /// thread of the cooperative pool (P30, P31).
  ///
  /// From any task; control plane only. A cancelled task does not take the routine back.
  public func callSynchronizedRoutine<Result: Sendable>(
    _ routine: sending @escaping () -> Result
  ) async -> Result {
    let sent = Sent(routine)
    return await withCheckedContinuation { continuation in
      worker.enqueue { continuation.resume(returning: self.locked { sent.value() }) }
    }
  }

  /// On the executor's thread, which holds no lock between jobs.
  private func locked<Result>(_ body: () -> Result) -> Result {
    let level = lock.enter()
    precondition(level >= 0, "the thread that held the interrupt lock ended inside a routine")
    defer { lock.leave(level) }
    return body()
  }
}
