import InterruptSync

/// Wakes a task from a service routine, by way of a deferred routine: to resume a task under the
/// interrupt lock could take long. A signal without a waiter is kept, once.
struct Signal: Sendable {
  private let stream: AsyncStream<Void>
  private let pass: DeferredRoutine

  init(on queue: DeferredQueue) {
    let (stream, continuation) = AsyncStream.makeStream(
      of: Void.self, bufferingPolicy: .bufferingNewest(1))
    self.stream = stream
    pass = DeferredRoutine(on: queue) { continuation.yield() }
  }

  /// Any level.
  func raise() { pass.enqueue() }

  /// One task at a time. Throws when it is cancelled.
  func wait() async throws(CancellationError) {
    for await _ in stream { return }
    throw CancellationError()
  }
}
