// Room Serving: one connection, from connect to disconnect. LifeCycle makes and ends it, on the
// caller's thread without the interrupt lock (only `requestStop` may come with it). `LineServer` is
// the kind of thread: one of the line's own (DispatcherThread), or one that it shares
// (GroupMember). Fields say which thread may touch them; the activity's monitor guards what threads
// share, and no report is delivered with it held. The serving thread's part, at PASSIVE_LEVEL, is
// in Connection+Recovery, Connection+Cost and StormBrake.
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
  /// Tells the serving thread to leave the line. Any thread, any level.
  func requestStop()
  /// Waits until the line is read no more and none of its routines runs: until the serving thread
  /// has left the line, or is inside a report handler, after which it only leaves. No report begins
  /// afterwards. It never waits for a handler, so handlers may stop each other's lines. After
  /// `requestStop()`, below DIRQL.
  func quiesce()
  /// Last of all. With `waiting`, returns when the serving thread is done with the connection, its
  /// report handler included; without, that happens later on its own.
  func finish(waiting: Bool)
  /// Changes while the serving thread makes progress without dispatching.
  var beat: UInt64 { get }
  /// Whether the calling thread is the one that serves.
  var isCurrentThread: Bool { get }
  /// Processor time of that thread so far, in nanoseconds. For tests and for a doctor.
  var cpuTime: Int64 { get }
}

extension LineServer {
  /// Ends a storm that would stay masked, or a pause early.
  func resumeAfterStorm() {
    connection.mustResume.store(true, ordering: .releasing)
    wakeUp()
  }
}

/// What a serving thread tells the threads that wait for it, about all of its lines.
final class ServingActivity: @unchecked Sendable {
  /// Ticks that the thread has spent reading on, and asleep. Its own.
  var spun: UInt64 = 0
  var rested: UInt64 = 0
  /// Dispatches of all its lines so far; nil: of one line only. On that thread.
  var dispatches: (() -> UInt64)?
  /// Nothing is waited for while it is held.
  let monitor = Monitor()
  /// The thread is inside a report handler, and works on none of its lines. Guarded by `monitor`.
  var isReporting = false
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
  /// Grows by 1 when the serving thread comes by without having anything to dispatch: at least once a
  /// second. It begins at the time, so that a new connection does not look like one that makes no
  /// progress.
  let beats = Atomic<UInt64>(linux_nanoseconds())
  /// Set by the first of two: the end of the service and the end of a connection that no thread
  /// could wait for (N12).
  private let isHalfEnded = Atomic<Bool>(false)
  let activity: ServingActivity
  /// The serving thread is done with the connection. Set with the activity's monitor held.
  private let left = Atomic<Bool>(false)
  /// Guarded by the activity's monitor.
  var stage = Stage.starting
  /// Attributes that the system refused, to be reported once the connection stands.
  var refusals: [InterruptReport] = []
  /// What other threads found, for the serving thread to report. Guarded by the activity's monitor.
  private var posted: [InterruptReport] = []
  private let hasPosted = Atomic<Bool>(false)

  /// How far the connection has come, as the serving and the connecting thread tell each other.
  enum Stage { case starting, placed, waiting, standing, over }

  /// While a storm lasts, the brake's next pause in milliseconds, should it go on. Only the serving
  /// thread uses it, as the next two. A line may storm and fail to re-arm at once.
  var stormPause: Int32? { didSet { core.value.turnsLeft = 1 } }
  /// The storm is one of a line that costs too much, and not of unclaimed interrupts in a row.
  var isCostly = false
  /// The line is braked although there is no storm: no object that could service it is active.
  var isResting = false
  /// While the line could not be re-armed, milliseconds before the next try.
  var rearmPause: Int32? { didSet { core.value.turnsLeft = 1 } }
  /// When the brake releases, in nanoseconds; `.max` when it waits for `mustResume`. Only while
  /// braked.
  var resumeDue = UInt64.max
  /// What the line costs. The serving thread's, as the next.
  var cost: StormCost
  /// When the line was re-armed after a pause, and what had been counted then.
  var probation = StormCost.Reading()
  /// Interrupts of a storm in a row that came late after a pause: such a line is affordable.
  var lateInARow = 0
  /// While it matters whether the device is ever silent.
  var watch: LineWatch? { didSet { oldValue?.stop() } }
  /// The cost of a line whose device does not say was reported.
  var hasReportedCost = false
  /// Whether the line is judged by what it costs.
  let isJudged: Bool

  init(
    _ served: ServedLine, source: any InterruptSource, line: InterruptLine,
    activity: ServingActivity
  ) {
    self.served = served
    self.activity = activity
    self.source = source
    unsafe self.line = unsafe line.raw
    core = served.core
    cost = StormCost(served.storm)
    isJudged = unsafe cost.isJudging && line.raw.pointee.rearm != CUIO_REARM_NONE
    stop = .allocate(0)
  }

  deinit {
    watch?.stop()
    stop.free()
  }

  var hasEnded: Bool { ended.load(ordering: .acquiring) }
  var isBraked: Bool { braked.load(ordering: .relaxed) }
  var mustStop: Bool { unsafe cuio_flag_is_up(stop.pointer) }

  func setStage(_ new: Stage) {
    activity.monitor.locked {
      stage = new
      activity.monitor.broadcast()
    }
  }

  /// Not before connect has decided: the handler may disconnect, and has to find the connection
  /// that the report is about. The report of a connection that failed is connect's own error, and
  /// one that has been disconnected reports no more.
  func report(_ report: InterruptReport) { reporting { served.report(report) } }

  /// `body` calls a report handler.
  func reporting(_ body: () -> Void) {
    let stands = activity.monitor.locked {
      activity.monitor.wait { stage == .waiting }
      activity.isReporting = stage == .standing
      activity.monitor.broadcast()
      return activity.isReporting
    }
    guard stands else { return }
    body()
    activity.monitor.locked { activity.isReporting = false }
  }

  /// Has the serving thread report something; the caller wakes it. Any thread.
  func post(_ report: InterruptReport) {
    activity.monitor.locked { posted.append(report) }
    hasPosted.store(true, ordering: .releasing)
  }

  /// Reports what was posted. On the serving thread.
  func reportPosted() {
    guard hasPosted.exchange(false, ordering: .acquiringAndReleasing) else { return }
    let all = activity.monitor.locked {
      defer { posted = [] }
      return posted
    }
    for posted in all { report(posted) }
  }

  /// Whether the serving thread is done with the connection. Any thread.
  var hasLeft: Bool { left.load(ordering: .acquiring) }

  /// Waits until the serving thread works on the line no more (`LineServer.quiesce()`), then calls
  /// `body` while it stays so.
  func awaitQuiet(_ body: () -> Void = {}) {
    activity.monitor.locked {
      activity.monitor.wait { !hasLeft && !activity.isReporting }
      stage = .over
      body()
    }
  }

  /// Waits until the serving thread is done with the connection, report handlers included.
  func awaitLeft() {
    activity.monitor.locked { activity.monitor.wait { !hasLeft } }
  }

  /// The serving thread's last act for the line; `body` is part of it for the threads that wait.
  func leave(_ body: () -> Void = {}) {
    watch = nil
    detachWhenBothEnded()
    activity.monitor.locked {
      body()
      left.store(true, ordering: .releasing)
      activity.monitor.broadcast()
    }
  }

  /// Masks the line. With the interrupt lock held, so that no re-arm follows. A line that has gone
  /// cannot be masked.
  func maskLine() { _ = unsafe cuio_line_mask(line) }

  /// Called at the end of the service and at the end of a connection that no thread could wait for,
  /// in either order. Every other caller gives the line back once it is quiet.
  func detachWhenBothEnded() {
    if isHalfEnded.exchange(true, ordering: .acquiringAndReleasing) { source.detach() }
  }
}
