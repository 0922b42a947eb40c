// Room Swift: an object's dispatches as an asynchronous sequence. The dispatch writes a ring with
// the interrupt lock held and signals an eventfd; an ordinary thread resumes the tasks, because to
// resume one takes locks and may allocate.
import CUIO
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
}

/// The dispatches of an object, for ordinary tasks to watch.
///
/// There is one buffer of fixed size between the dispatcher and the watcher. The dispatcher never
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
        cause: "a buffer has 1 to 65536 events, not \(capacity)")
    }
    let tap = try EventTap(owner: name, capacity: capacity)
    return InterruptEvents(subscription: EventSubscription(to: tap, of: storage))
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
  private let storage: SyncStorage

  init(to tap: EventTap, of storage: SyncStorage) {
    self.tap = tap
    self.storage = storage
    storage.monitor.locked { storage.watchers.append(tap) }
    storage.holdingLock { unsafe storage.core.link(tap.ring) }
  }

  deinit {
    storage.holdingLock { unsafe storage.core.unlink(tap.ring) }
    storage.monitor.locked { storage.watchers.removeAll { $0 === tap } }
    tap.finish()
  }
}

/// The buffer of one watcher, and the thread that wakes it.
@safe final class EventTap: EventWatcher, @unchecked Sendable {
  let ring: UnsafeMutablePointer<cuio_ring>
  private let page: UnsafeMutablePointer<cuio_ring_page>
  private let entries: UnsafeMutablePointer<cuio_ring_entry>
  private let wake: WakeEvent
  /// Guards what follows, and is held by every reader of the ring.
  private let monitor = Monitor()
  private var waiting: [(id: UInt64, continuation: CheckedContinuation<InterruptEvent?, Never>)] =
    []
  /// On their way to wait; a cancelled one leaves before it arrives.
  private var arriving: Set<UInt64> = []
  private var lastID: UInt64 = 0
  private var isFinished = false

  /// - Throws: `resourcesExhausted`.
  init(owner: String, capacity: Int) throws(InterruptSyncError) {
    wake = try WakeEvent.take(for: owner, operation: "watch interrupts")
    var count = 1
    while count < capacity { count *= 2 }
    unsafe entries = .allocate(capacity: count)
    unsafe entries.initialize(repeating: cuio_ring_entry(), count: count)
    unsafe page = .allocate(capacity: 1)
    unsafe cuio_ring_format(page, UInt64(count))
    unsafe ring = .allocate(capacity: 1)
    unsafe ring.initialize(
      to: cuio_ring(
        page: page, entries: entries, mask: UInt64(count - 1), written: 0, dropped: 0,
        wake_fd: wake.fd, wakes_at_once: false, next: nil))
    do throws(SystemError) {
      let thread = try WorkerThread(name: "\(owner) events", stackSize: 256 * 1024) { [self] in
        while serveNext() {}
      }
      thread.detach()
    } catch {
      throw InterruptSyncError(
        .resourcesExhausted, object: owner, operation: "watch interrupts",
        cause: "cannot create a thread",
        hint: "raise the limit (systemd: TasksMax=, LimitNPROC=)", errno: error.number)
    }
  }

  deinit {
    unsafe ring.deallocate()
    unsafe page.deallocate()
    unsafe entries.deallocate()
    wake.giveBack()
  }

  var dropped: UInt64 { unsafe cuio_ring_dropped(page) }

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

  /// No event will come any more: watchers end when they have taken the last one. Any thread, any
  /// level.
  func finish() {
    monitor.locked { isFinished = true }
    wake.signal()
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
      } else if unsafe !cuio_ring_sleep(page) {
        return
      }
    }
  }

  private func take() -> InterruptEvent? {
    var entry = cuio_ring_entry()
    guard unsafe cuio_ring_take(page, entries, ring.pointee.mask, &entry) else { return nil }
    return InterruptEvent(
      count: entry.count, total: entry.total, nanoseconds: entry.time,
      isClaimed: entry.claimed != 0, dropped: entry.dropped)
  }

  /// On the thread. False: it is over.
  private func serveNext() -> Bool {
    wake.wait()
    return monitor.locked {
      serve()
      return !isFinished
    }
  }
}
