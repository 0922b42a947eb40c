// Room Deferred: work that a service routine leaves for later, run on the queue's thread without
// the interrupt lock (N22, D1 to D3). Drivers queue it and take it back, and so do the C and
// Windows layers and hosted drivers, on any thread at any level; DeferredQueue runs it at the
// queue's level. No lock: each change of its state is one atomic exchange, and the arguments belong
// to the thread that made the last.
import CUIO
import Synchronization

/// A routine that runs on a `DeferredQueue`'s thread at DISPATCH_LEVEL after it was queued (a DPC).
///
/// It is either queued or not: queueing it again before it starts changes nothing (D1). From the
/// moment it is taken off the queue it may be queued again, also while it still runs (D2). It never
/// runs concurrently with itself.
@safe public final class DeferredRoutine: @unchecked Sendable {
  /// Context given at creation, and the two arguments given when it was queued.
  public typealias Routine =
    @convention(c) (
      _ context: UnsafeMutableRawPointer?, _ argument1: UnsafeMutableRawPointer?,
      _ argument2: UnsafeMutableRawPointer?
    ) -> Void

  private enum State {
    static let idle: UInt32 = 0
    /// A caller is writing the arguments.
    static let preparing: UInt32 = 1
    static let queued: UInt32 = 2
    /// Taken back, but still linked into the queue.
    static let removed: UInt32 = 3
    /// Taken back and being queued again, still linked.
    static let preparingLinked: UInt32 = 4
    /// The queue's thread is taking the arguments.
    static let starting: UInt32 = 5
  }

  /// The queue it belongs to.
  public let queue: DeferredQueue
  private let routine: Routine
  private let context: UnsafeMutableRawPointer?
  private let owned: AnyObject?
  private let state = Atomic<UInt32>(State.idle)
  private var argument1: UnsafeMutableRawPointer?
  private var argument2: UnsafeMutableRawPointer?
  /// The one queued before it. Belongs to the queue while it is linked.
  var next: Unmanaged<DeferredRoutine>?

  /// Makes a routine that is not queued yet. Any thread, any level.
  ///
  /// - Parameters:
  ///   - queue: on whose thread it runs.
  ///   - routine: called at DISPATCH_LEVEL without the interrupt lock (N22).
  ///   - context: handed to each call unchanged; it must live as long as this object.
  public init(on queue: DeferredQueue, _ routine: Routine, context: UnsafeMutableRawPointer?) {
    self.queue = queue
    unsafe self.routine = unsafe routine
    unsafe self.context = unsafe context
    owned = nil
  }

  /// A closure as a deferred routine; it ends with this object. Level and lock as for the other
  /// form.
  public init(on queue: DeferredQueue, _ body: @escaping @Sendable () -> Void) {
    let box = DeferredBox(body)
    self.queue = queue
    owned = box
    unsafe context = unsafe Unmanaged.passUnretained(box).toOpaque()
    unsafe routine = { context, _, _ in
      guard let context = unsafe context else { return }
      unsafe Unmanaged<DeferredBox>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.body() }
    }
  }

  /// Queues it (KeInsertQueueDpc). Any thread, any level; from a service routine the wake-up goes
  /// out once the interrupt lock is free.
  /// - Returns: false when it was queued already (D1).
  @discardableResult
  public func enqueue() -> Bool { unsafe enqueue(nil, nil) }

  /// Queues it with arguments for a routine of C's shape. What they point to must live until the
  /// routine has run.
  /// - Returns: false when it was queued already; the earlier arguments stay (D1).
  @discardableResult
  public func enqueue(
    _ argument1: UnsafeMutableRawPointer?, _ argument2: UnsafeMutableRawPointer? = nil
  ) -> Bool {
    guard let isLinked = prepare() else { return false }
    unsafe self.argument1 = unsafe argument1
    unsafe self.argument2 = unsafe argument2
    // An exchange, so that what refused callers wrote meanwhile goes on to the queue's thread.
    _ = state.exchange(State.queued, ordering: .acquiringAndReleasing)
    // The queue holds a reference while it is linked, so that the last one may be dropped
    // meanwhile.
    if !isLinked { unsafe queue.link(unsafe Unmanaged.passRetained(self)) }
    return true
  }

  /// Claims the arguments; whether it is linked into the queue already. Nil: it is queued.
  private func prepare() -> Bool? {
    while true {
      if state.compareExchange(
        expected: State.idle, desired: State.preparing, ordering: .acquiring
      ).exchanged {
        return false
      }
      if state.compareExchange(
        expected: State.removed, desired: State.preparingLinked, ordering: .acquiring
      ).exchanged {
        return true
      }
      // The call that is still to come has to see what this caller wrote before. A failed exchange
      // only looks; this one changes nothing but is a write, which the queue's thread takes over.
      let seen = state.bitwiseOr(0, ordering: .acquiringAndReleasing).oldValue
      if seen != State.idle && seen != State.removed { return nil }
    }
  }

  /// Takes it back (KeRemoveQueueDpc). Does not wait for one that runs. Any thread, any level.
  /// - Returns: true when it was queued and will not run for that queueing.
  @discardableResult
  public func remove() -> Bool {
    state.compareExchange(
      expected: State.queued, desired: State.removed, ordering: .acquiringAndReleasing
    ).exchanged
  }

  /// Runs it if it is still queued. On the queue's thread. False: its arguments are just being
  /// written, call again.
  func runIfQueued() -> Bool {
    while true {
      let seen = state.load(ordering: .acquiring)
      switch seen {
      case State.queued:
        // Taken back and queued again between two looks it would be queued as before, with other
        // arguments: they are read where no caller can write them.
        guard
          state.compareExchange(
            expected: seen, desired: State.starting, ordering: .acquiringAndReleasing
          ).exchanged
        else { continue }
        let (first, second) = unsafe (argument1, argument2)
        _ = state.exchange(State.idle, ordering: .acquiringAndReleasing)
        unsafe routine(context, first, second)
        return true
      case State.removed:
        guard
          state.compareExchange(
            expected: seen, desired: State.idle, ordering: .acquiringAndReleasing
          ).exchanged
        else { continue }
        return true
      case State.preparingLinked: return false
      default: return true
      }
    }
  }
}

private final class DeferredBox: Sendable {
  let body: @Sendable () -> Void
  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}
