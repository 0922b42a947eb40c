// Room Serving: one connection, from connect to disconnect. `Connection` is the part that every
// thread kind shares: its fields say who may touch them. `LineServer` is what differs, a thread of
// the line's own (DispatcherThread) or one that it shares with others (GroupMember). Here is what
// other threads do with a connection; Connection+Recovery.swift and StormBrake.swift are what the
// serving thread does when a re-arm failed or a storm began.
import CUIO
import Synchronization
import UIO

/// Serves one connection's line. Other threads call it, without the interrupt lock unless it says
/// so.
protocol LineServer: AnyObject, Sendable {
  var connection: Connection { get }
  /// Begins to serve; when it returns the line is waited for (N10).
  func start() throws(InterruptSyncError)
  /// Makes the serving thread look around. Any thread.
  func wakeUp()
  /// Waits until the line is served no more. Without `waiting` that happens later on its own, for
  /// callers that would wait for their own end (N12).
  func finish(waiting: Bool)
  /// Changes while the serving thread makes progress without dispatching.
  var beat: UInt64 { get }
  /// Whether the calling thread is the one that serves.
  var isCurrentThread: Bool { get }
  /// Processor time of that thread so far, in nanoseconds. For tests and for a doctor.
  var cpuTime: Int64 { get }
}

extension LineServer {
  /// Tells the serving thread to leave the line.
  func requestStop() {
    unsafe cuio_flag_raise(connection.stop.pointer)
    wakeUp()
  }

  /// Ends a storm that would stay masked, or a pause early.
  func resumeAfterStorm() {
    connection.mustResume.store(true, ordering: .releasing)
    wakeUp()
  }

  /// Gives the line back to its source, once it is read no more. Where no thread could wait for
  /// that (N12), the serving thread does it as its last act for the line.
  func giveLineBack() {
    if isCurrentThread, !connection.served.lock.isHeldByCaller {
      // From the report handler, after which nothing is read; it may want to connect again.
      connection.hasGivenLineBack = true
      connection.source.detach()
    } else {
      connection.detachWhenBothEnded()
    }
  }
}

@safe final class Connection: @unchecked Sendable {
  let served: ServedLine
  let source: any InterruptSource
  let line: UnsafeMutablePointer<cuio_line>
  let core: Cell<SyncCore>
  /// Up: leave as soon as possible.
  let stop: Cell<UInt32>
  let ended = Atomic<Bool>(false)
  let braked = Atomic<Bool>(false)
  /// The brake's owner has asked for the line back.
  let mustResume = Atomic<Bool>(false)
  /// Times the serving thread came by without having anything to dispatch: at least once a second.
  let beats = Atomic<UInt64>(0)
  /// Set by the first of two: the end of the service and the end of the connection.
  private let isHalfEnded = Atomic<Bool>(false)
  /// Only the serving thread uses it.
  var hasGivenLineBack = false
  let stageMonitor = Monitor()
  /// Guarded by `stageMonitor`.
  var stage = Stage.starting
  /// Attributes that the system refused, to be reported once the connection stands.
  var refusals: [InterruptReport] = []

  /// How far the connection has come, as the serving and the connecting thread tell each other.
  enum Stage { case starting, placed, waiting, standing, failed }

  /// What this connection is recovering from.
  enum Fault {
    case none
    /// The brake holds or has released; the next pause in milliseconds, should the storm go on.
    case storm(next: Int32)
    /// The line could not be re-armed; the pause before the next try.
    case rearm(pause: Int32)
  }
  /// Only the serving thread uses it, as the next.
  var fault = Fault.none
  /// When the brake releases, in nanoseconds; `.max` when it waits for `mustResume`. Only while
  /// braked.
  var resumeDue = UInt64.max

  init(_ served: ServedLine, source: any InterruptSource, line: InterruptLine) {
    self.served = served
    self.source = source
    unsafe self.line = unsafe line.raw
    core = served.core
    stop = .allocate(0)
  }

  deinit { stop.free() }

  var hasEnded: Bool { ended.load(ordering: .acquiring) }
  var isBraked: Bool { braked.load(ordering: .relaxed) }
  var mustStop: Bool { unsafe cuio_flag_is_up(stop.pointer) }

  func setStage(_ new: Stage) {
    stageMonitor.locked {
      stage = new
      stageMonitor.broadcast()
    }
  }

  /// Not before connect has decided: the handler may disconnect, and has to find the connection
  /// that the report is about. The report of a connection that failed is connect's own error.
  func report(_ report: InterruptReport) {
    let stands = stageMonitor.locked {
      stageMonitor.wait { stage == .waiting }
      return stage == .standing
    }
    if stands { served.report(report) }
  }

  /// Masks the line. With the interrupt lock held, so that no re-arm follows. A line that has gone
  /// cannot be masked.
  func maskLine() { _ = unsafe cuio_line_mask(line) }

  /// Called at the end of the service and at the end of the connection, in either order.
  func detachWhenBothEnded() {
    if isHalfEnded.exchange(true, ordering: .acquiringAndReleasing) { source.detach() }
  }
}
