// One connection, from connect to disconnect, whichever thread serves it: one of its own
// (Dispatcher) or one that it shares with others (GroupMember). Here is what other threads do with
// it; Connection+Recovery.swift is what it does when an interrupt leaves something to be put right.
import CUIO
import Glibc
import Synchronization
import UIO

@safe class Connection: @unchecked Sendable {
  let storage: SyncStorage
  let source: any InterruptSource
  let line: UnsafeMutablePointer<cuio_line>
  let core: UnsafeMutablePointer<SyncCore>
  /// Up: leave as soon as possible.
  let stop: UnsafeMutablePointer<UInt32>
  let ended = Atomic<Bool>(false)
  let braked = Atomic<Bool>(false)
  let resume = Atomic<Bool>(false)
  /// Times the serving thread came by without having anything to dispatch: at least once a second.
  let beats = Atomic<UInt64>(0)
  /// Set by the first of two: the end of the service and the end of the connection.
  private let isHalfReleased = Atomic<Bool>(false)
  /// Only the serving thread uses it.
  var hasGivenLineBack = false
  let stage = Monitor()
  var current = Stage.starting
  /// Attributes that the system refused, to be reported once the connection stands.
  var refusals: [InterruptReport] = []

  /// How far the connection has come, as the serving and the connecting thread tell each other.
  enum Stage { case starting, placed, waiting, standing, failed }

  /// What this connection is recovering from. Only the serving thread uses it.
  enum Trouble {
    case none
    /// The brake holds or has let go; the next pause in milliseconds, should the storm go on.
    case storm(next: Int32)
    /// The line could not be re-armed; the pause before the next try.
    case rearm(pause: Int32)
  }
  var trouble = Trouble.none
  /// When the brake lets go, in nanoseconds; `.max` when it waits to be told. Only while braked.
  var due = UInt64.max

  init(storage: SyncStorage, source: any InterruptSource, line: InterruptLine) {
    self.storage = storage
    self.source = source
    unsafe self.line = unsafe line.raw
    unsafe core = unsafe storage.core
    unsafe stop = .allocate(capacity: 1)
    unsafe stop.initialize(to: 0)
  }

  deinit { unsafe stop.deallocate() }

  var hasEnded: Bool { ended.load(ordering: .acquiring) }
  var isBraked: Bool { braked.load(ordering: .relaxed) }
  var mustStop: Bool { unsafe cuio_flag_is_up(stop) }

  // What differs by who serves.

  /// Begins to serve; when it returns the line is waited for (N10).
  func start() throws(InterruptSyncError) { preconditionFailure("of the subclasses") }
  /// Makes the serving thread look around. Any thread.
  func wakeUp() { preconditionFailure("of the subclasses") }
  /// Waits until the line is served no more, or lets that come by itself where waiting would be for
  /// the caller's own end (N12).
  func finish(waiting: Bool) { preconditionFailure("of the subclasses") }
  /// Changes while the serving thread makes progress without dispatching.
  var beat: UInt64 { beats.load(ordering: .relaxed) }
  /// Whether the calling thread is the one that serves.
  var isCurrentThread: Bool { preconditionFailure("of the subclasses") }
  /// Processor time of that thread so far, in nanoseconds. For tests and for a doctor.
  var cpuTime: Int64 { preconditionFailure("of the subclasses") }

  /// Says whether the connection stands, for which reports wait.
  func decide(stands: Bool) {
    stage.locked {
      current = stands ? .standing : .failed
      stage.broadcast()
    }
  }

  /// Not before connect has decided: the handler may disconnect, and has to find the connection
  /// that the report is about. Of one that failed connect itself tells.
  func report(_ report: InterruptReport) {
    let stands = stage.locked {
      stage.wait { current == .waiting }
      return current == .standing
    }
    if stands { storage.report(report) }
  }

  /// Tells the serving thread to leave the line.
  func requestStop() {
    unsafe cuio_flag_raise(stop)
    wakeUp()
  }

  /// Masks the line. With the interrupt lock held, so that no re-arm follows. A line that has gone
  /// cannot be masked.
  func maskLine() { _ = unsafe cuio_line_mask(line) }

  /// Gives the line back to its source, once it is read no more. Where nobody could wait for that
  /// (N12), the serving thread does it as its last act for the line.
  func giveLineBack() {
    if isCurrentThread, !storage.lock.isHeldByCaller {
      // From the report handler, behind which nothing is read; it may want to connect again.
      hasGivenLineBack = true
      source.detach()
    } else {
      releaseLine()
    }
  }

  func releaseLine() {
    if isHalfReleased.exchange(true, ordering: .acquiringAndReleasing) { source.detach() }
  }

  /// Ends a storm that is to stay masked.
  func resumeAfterStorm() {
    resume.store(true, ordering: .releasing)
    wakeUp()
  }
}
