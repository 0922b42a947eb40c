// Room Swift: an object's dispatches as an asynchronous sequence. Drivers make it at PASSIVE_LEVEL,
// and their tasks wait for the next event. The observers' thread fills each watcher's buffer and
// resumes its tasks, because to resume one takes locks and may allocate. A monitor guards the
// buffer; a dispatch never takes it.
import CUIO
public import GPIO
import Glibc
import LinuxSystem

/// One dispatch, as a watcher sees it.
public struct InterruptEvent: Equatable, Sendable {
  /// Interrupts that the dispatch served: 1, or more when they coalesced (N19).
  public var count: UInt64
  /// Interrupts of the object so far, this dispatch included. Goes on counting over what was
  /// dropped and over reconnects (N13).
  public var total: UInt64
  /// When the dispatch ended, in nanoseconds of CLOCK_MONOTONIC.
  public var nanoseconds: UInt64
  /// Whether a routine claimed it (P19).
  public var isClaimed: Bool
  /// Events dropped since the watcher began, up to this one, because its buffer was full.
  public var dropped: UInt64
  /// Of a GPIO line, the last edge of the dispatch, with the kernel's timestamp.
  public var edge: GPIOEdge?

  init(_ entry: cuio_ring_entry, dropped: UInt64) {
    count = entry.count
    total = entry.total
    nanoseconds = entry.time
    isClaimed = entry.claimed != 0
    self.dropped = dropped
    guard entry.captures == UInt32(CUIO_EDGE_FACTS) else { return }
    let facts = entry.captured
    edge = GPIOEdge(facts: facts.0, facts.1, facts.2, facts.3)
  }
}

/// The dispatches of an object, for ordinary tasks to watch.
///
/// There is one buffer of fixed size for each watcher. The dispatcher never waits for a watcher and
/// allocates nothing: when the buffer is full, the new event is dropped
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
  /// Watches the object's dispatches from now on, until the sequence is released.
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
        cause: "a buffer holds 1 to 65536 events, not \(capacity)",
        hint: "give a capacity in that range")
    }
    var count = 1
    while count < capacity { count *= 2 }
    let tap = EventTap(capacity: count)
    return InterruptEvents(
      subscription: EventSubscription(tap: tap, observation: try storage.observe(tap)))
  }
}

extension Interrupt where State: ~Copyable {
  /// Watches the object's dispatches from now on; see `InterruptSyncObject.interrupts`. Level and
  /// errors are the same.
  public func interrupts(
    bufferingOldest capacity: Int = 64
  ) throws(InterruptSyncError) -> InterruptEvents {
    try object.interrupts(bufferingOldest: capacity)
  }
}

/// Keeps a tap on an object's dispatches for as long as a task can still watch it.
final class EventSubscription: Sendable {
  let tap: EventTap
  private let observation: DispatchObservation

  init(tap: EventTap, observation: DispatchObservation) {
    self.tap = tap
    self.observation = observation
  }
}

/// The buffer of one watcher.
final class EventTap: DispatchObserver, @unchecked Sendable {
  private let capacity: Int
  /// Guards what follows.
  private let monitor = Monitor()
  /// Oldest first, from `oldest` on; what lies before has been taken.
  private var events: [InterruptEvent] = []
  private var oldest = 0
  private var overflow: UInt64 = 0
  /// Dropped before the events reached this buffer.
  private var missed: UInt64 = 0
  private var waiting: [(id: UInt64, continuation: CheckedContinuation<InterruptEvent?, Never>)] =
    []
  /// On their way to wait; a cancelled one leaves before it arrives.
  private var arriving: Set<UInt64> = []
  private var lastID: UInt64 = 0
  private var isFinished = false

  init(capacity: Int) {
    self.capacity = capacity
    events.reserveCapacity(2 * capacity)
  }

  var dropped: UInt64 { monitor.locked { overflow + missed } }

  // On the observers' thread.

  func observe(_ records: DispatchRecords) {
    monitor.locked {
      for index in unsafe records.entries.indices {
        unsafe add(records.entries[index], records.droppedBefore)
      }
      missed = records.dropped - records.droppedBefore
      serve()
    }
  }

  func end() {
    monitor.locked {
      isFinished = true
      serve()
    }
  }

  /// With the monitor held.
  private func add(_ entry: cuio_ring_entry, _ before: UInt64) {
    guard events.count - oldest < capacity else {
      overflow += 1
      return
    }
    events.append(InterruptEvent(entry, dropped: overflow + entry.dropped - before))
  }

  // On the tasks' threads.

  /// The next event, or nil at the end or when the task is cancelled.
  func next() async -> InterruptEvent? {
    let id = monitor.locked {
      lastID += 1
      arriving.insert(lastID)
      return lastID
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { wait(id, $0) }
    } onCancel: {
      cancel(id)
    }
  }

  private func wait(_ id: UInt64, _ continuation: CheckedContinuation<InterruptEvent?, Never>) {
    monitor.locked {
      guard arriving.remove(id) != nil else { return continuation.resume(returning: nil) }
      waiting.append((id, continuation))
      serve()
    }
  }

  private func cancel(_ id: UInt64) {
    monitor.locked {
      guard arriving.remove(id) == nil else { return }
      // Not there: it has been answered already.
      guard let index = waiting.firstIndex(where: { $0.id == id }) else { return }
      waiting.remove(at: index).continuation.resume(returning: nil)
    }
  }

  /// Gives events to the waiting tasks. With the monitor held.
  private func serve() {
    while !waiting.isEmpty {
      if let event = take() {
        waiting.removeFirst().continuation.resume(returning: event)
      } else if isFinished {
        waiting.removeFirst().continuation.resume(returning: nil)
      } else {
        return
      }
    }
  }

  private func take() -> InterruptEvent? {
    guard oldest < events.count else { return nil }
    defer {
      oldest += 1
      if oldest == events.count || oldest == capacity {
        events.removeFirst(oldest)
        oldest = 0
      }
    }
    return events[oldest]
  }
}
