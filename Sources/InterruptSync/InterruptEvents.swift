/// The dispatches of an object, for ordinary tasks to watch.
///
/// Between the dispatcher and the watcher stands one buffer of fixed size. The dispatcher never
/// waits for the watcher and allocates nothing: when the buffer is full, the new event is dropped
/// and counted, and the older ones stay (`AsyncStream`'s `bufferingOldest`). `total` and `dropped`
/// of the next event say what was missed.
///
/// The sequence goes on over disconnects and reconnects. It ends when the sync object is released,
/// after what is buffered, and for a task that is cancelled. Several tasks that iterate one
/// sequence share its events; call `interrupts` once for each watcher that wants them all.
public struct InterruptEvents: AsyncSequence, Sendable {
  /// One dispatch.
  public typealias Element = InterruptEvent
  /// Watching does not fail: a line that ends says so in its object's report.
  public typealias Failure = Never

  let subscription: EventSubscription

  /// Events dropped so far. Any thread, any level.
  public var dropped: UInt64 { subscription.tap.dropped }

  /// Watches from here on.
  public func makeAsyncIterator() -> Iterator { Iterator(subscription: subscription) }

  /// Waits for event after event.
  public struct Iterator: AsyncIteratorProtocol {
    let subscription: EventSubscription

    /// The next event, or nil at the end.
    public mutating func next(
      isolation actor: isolated (any Actor)? = #isolation
    ) async -> InterruptEvent? {
      await subscription.tap.next()
    }
  }
}

extension InterruptSyncObject {
  /// Watches the object's dispatches from now on. Starts a thread that wakes the watcher; both end
  /// with the sequence.
  ///
  /// PASSIVE_LEVEL.
  /// - Parameter capacity: events that are kept for a slow watcher, 1 to 65,536, rounded up to a
  ///   power of two.
  /// - Throws: `invalidArgument`, `wouldDeadlock`, `wrongLevel`, `resourcesExhausted`.
  public func interrupts(
    bufferingOldest capacity: Int = 64
  ) throws(InterruptSyncError) -> InterruptEvents {
    try storage.requirePassive("watch interrupts")
    guard (1...65536).contains(capacity) else {
      throw InterruptSyncError(
        .invalidArgument, object: name, operation: "watch interrupts",
        cause: "a buffer of \(capacity) events; 1 to 65536 are possible")
    }
    let tap = try EventTap(owner: name, capacity: capacity)
    return InterruptEvents(subscription: EventSubscription(to: tap, of: storage))
  }
}

extension InterruptSync where State: ~Copyable {
  /// Watches the object's dispatches from now on; see `InterruptSyncObject.interrupts`. Level and
  /// errors are the same.
  public func interrupts(
    bufferingOldest capacity: Int = 64
  ) throws(InterruptSyncError) -> InterruptEvents {
    try object.interrupts(bufferingOldest: capacity)
  }
}
