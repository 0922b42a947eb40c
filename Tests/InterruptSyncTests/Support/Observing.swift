import CUIO
import LinuxSystem
import Synchronization

@testable import InterruptSync

/// Plain storage without a lock of its own: routines write it under the interrupt lock, and the
/// thread sanitizer says so if that lock does not exclude.
final class Journal<Entry>: @unchecked Sendable {
  var entries: [Entry] = []
  init() {}
}

/// A number that several threads look at.
final class Counter: Sendable {
  private let atomic: Atomic<Int>
  init(_ value: Int = 0) { atomic = Atomic(value) }
  var value: Int { atomic.load(ordering: .acquiring) }
  func add(_ amount: Int = 1) { atomic.add(amount, ordering: .acquiringAndReleasing) }
  func set(_ value: Int) { atomic.store(value, ordering: .releasing) }
}

/// A flag that several threads look at.
final class Flag: Sendable {
  private let atomic = Atomic<Bool>(false)
  var isUp: Bool { atomic.load(ordering: .acquiring) }
  func raise() { atomic.store(true, ordering: .releasing) }
  func lower() { atomic.store(false, ordering: .releasing) }
}

/// Raises a flag when it goes away.
final class Mourned: Sendable {
  private let flag: Flag
  init(_ flag: Flag) { self.flag = flag }
  deinit { flag.raise() }
}

/// Holds the only strong reference to something that a test wants to drop at a chosen moment.
final class Holder<Value>: @unchecked Sendable {
  var value: Value?
  init(_ value: Value? = nil) { self.value = value }
}

extension InterruptSyncObject {
  /// Dispatches whose routines have run.
  var completed: UInt64 {
    let statistics = statistics()
    return statistics.claimed + statistics.unclaimed
  }

  /// Waits until `count` dispatches are over, the last one's re-arm and unlock included.
  func awaitDispatches(_ count: UInt64) throws {
    try eventually("\(count) dispatches; \(statistics())") { completed >= count }
    try callSynchronizedRoutine {}
  }

  /// Waits until `count` interrupts are served, however they were coalesced.
  func awaitInterrupts(_ count: UInt64) throws {
    try eventually("\(count) interrupts; \(statistics())") { statistics().interrupts >= count }
    try callSynchronizedRoutine {}
  }
}

extension InterruptLock {
  private var word: UnsafeMutablePointer<Atomic<UInt32>> {
    UnsafeMutableRawPointer(raw).assumingMemoryBound(to: Atomic<UInt32>.self)
  }

  /// Puts a thread down as its owner; 0 frees it.
  func setOwner(_ tid: UInt32) { word.pointee.store(tid, ordering: .releasing) }

  /// Whether the kernel has put somebody to sleep on it.
  var hasWaiters: Bool { word.pointee.load(ordering: .relaxed) & 0x8000_0000 != 0 }

  func awaitWaiter() throws {
    try eventually("a thread that waits for the interrupt lock") { hasWaiters }
  }
}

/// Keeps what an object reports.
final class ReportLog: Sendable {
  private let journal = Journal<InterruptReport>()
  private let monitor = Monitor()
  let arrived = Signal()

  var handler: @Sendable (InterruptReport) -> Void {
    { [journal, monitor, arrived] report in
      monitor.locked { journal.entries.append(report) }
      arrived.raise()
    }
  }

  var all: [InterruptReport] { monitor.locked { journal.entries } }

  /// The names of the cases, in order.
  var kinds: [String] { all.map(\.kind) }

  /// Waits until the first reports are of these kinds, and compares.
  func await(_ expected: [String]) throws {
    try eventually("reports \(expected), have \(kinds)") { kinds.count >= expected.count }
  }
}

extension InterruptReport {
  var kind: String {
    switch self {
    case .removed: "removed"
    case .failed: "failed"
    case .stormBegan: "stormBegan"
    case .claimedStormBegan: "claimedStormBegan"
    case .costly: "costly"
    case .stormEnded: "stormEnded"
    case .repeatLimitReached: "repeatLimitReached"
    case .rearmFailed: "rearmFailed"
    case .rearmRecovered: "rearmRecovered"
    case .attributeRefused: "attributeRefused"
    case .affinityLost: "affinityLost"
    case .affinityRestored: "affinityRestored"
    }
  }

  var error: InterruptSyncError? {
    switch self {
    case .removed(let error), .failed(let error), .rearmFailed(let error),
      .attributeRefused(let error), .affinityLost(let error):
      error
    default: nil
    }
  }
}

/// The error that `body` throws; nil when it throws none or another one.
func failure<R>(_ body: () throws -> R) -> InterruptSyncError? {
  do {
    _ = try body()
    return nil
  } catch {
    return error as? InterruptSyncError
  }
}

/// A flag that orders nothing: what was written before it is raised need not be visible after.
final class RelaxedFlag: Sendable {
  private let atomic = Atomic<Bool>(false)
  var isUp: Bool { atomic.load(ordering: .relaxed) }
  func raise() { atomic.store(true, ordering: .relaxed) }
}
