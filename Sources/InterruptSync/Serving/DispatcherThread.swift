// Room Serving: a thread that serves one line. LifeCycle makes it at connect and stops it, on the
// caller's thread without the interrupt lock (only `requestStop` may come with it): that is the
// first half. The loop runs on the dispatcher's own thread: it waits for the line at PASSIVE_LEVEL
// without a lock, and dispatches at DIRQL under the interrupt lock (Dispatch.swift). The activity's
// monitor guards the start and the end.
import CUIO
import Glibc
import LinuxSystem
import Synchronization
import UIO

@safe final class DispatcherThread: LineServer, @unchecked Sendable {
  let connection: Connection
  // The connection's own, one load nearer to the loop.
  let core: Cell<SyncCore>
  let line: UnsafeMutablePointer<cuio_line>
  let wake: FileDescriptor
  /// Written before the thread may run.
  private var thread: WorkerThread?
  /// Written before the thread may run, then only by the thread.
  private var pacer = WaitPacer.block
  private var waiting = WaitConditions.Decision.block
  private var isRealTime = false
  /// Held while connected, as the next two.
  private var latencyRequest: FileDescriptor?
  private var affinity: KeptAffinity?
  private var route: KeptAffinity?

  /// - Throws: `resourcesExhausted`.
  init(_ connection: Connection) throws(InterruptSyncError) {
    let fd = linux_event_create()
    guard fd >= 0 else {
      throw InterruptSyncError(
        .resourcesExhausted, object: connection.served.name, operation: "connect",
        cause: "cannot create an eventfd",
        hint: "raise the limit (systemd: LimitNOFILE=)", errno: -fd)
    }
    wake = FileDescriptor(adopting: fd)
    self.connection = connection
    core = connection.core
    unsafe line = unsafe connection.line
  }

  var isCurrentThread: Bool { thread?.isCurrent == true }
  var beat: UInt64 { connection.beats.load(ordering: .relaxed) }
  var cpuTime: Int64 { thread?.cpuTime ?? 0 }

  /// Starts the thread and returns when it is about to wait (N10).
  func start() throws(InterruptSyncError) {
    let attributes = connection.served.attributes
    do throws(SystemError) {
      // The new thread begins with this monitor, so it cannot run before `thread` is known.
      let started = try connection.activity.monitor.locked { () throws(SystemError) in
        let started = try attributes.thread(of: connection.served.name) { [self] in serve() }
        thread = started
        return started
      }
      place(started, attributes)
    } catch {
      throw InterruptSyncError(
        .resourcesExhausted, object: connection.served.name, operation: "connect",
        cause: "cannot create a thread",
        hint: "raise the limit (systemd: TasksMax=, LimitNPROC=)", errno: error.number)
    }
    connection.setStage(.placed)
    connection.activity.monitor.locked {
      connection.activity.monitor.wait { connection.stage == .placed }
    }
  }

  /// Puts the waiting thread where it belongs, and decides how it will wait there.
  private func place(_ thread: WorkerThread, _ attributes: DispatcherAttributes) {
    let name = connection.served.name
    let report: ThreadPlacement.Report = { self.connection.refusals.append($0) }
    let later: KeptAffinity.Report = { [connection, wake] in
      connection.post($0)
      _ = linux_event_signal(wake.raw, 1)
    }
    affinity = ThreadPlacement.apply(
      attributes, to: thread, named: name, report: report, later: later)
    route = ThreadPlacement.route(
      attributes, connection.source, named: name, report: report, later: later)
    latencyRequest = ThreadPlacement.prepare(attributes, named: name, report: report)
    guard attributes.waiting != .block else { return }
    let conditions = WaitConditions.current(thread.handle, connection.source)
    waiting = conditions.decide(attributes.waiting)
    isRealTime = conditions.priority > 0
    if conditions.refuses(attributes.waiting) {
      ThreadPlacement.refusedSpin(conditions, named: name, report: report)
    }
  }

  func wakeUp() { _ = linux_event_signal(wake.raw, 1) }

  func requestStop() {
    affinity?.end()
    route?.end()
    unsafe cuio_flag_raise(connection.stop.pointer)
    wakeUp()
  }

  func quiesce() {
    // Called by the thread itself it is quiet: it looks at the flag before it reads again.
    isCurrentThread ? connection.setStage(.over) : connection.awaitQuiet()
  }

  func finish(waiting: Bool) {
    waiting ? thread?.join() : thread?.detach()
  }

  // On the thread.

  private func serve() {
    cuio_thread_begin_serving()
    prepareThread()
    run()
    connection.leave()
  }

  /// What the thread does before it waits: on its own stack, at its own priority.
  private func prepareThread() {
    connection.activity.monitor.locked {
      connection.activity.monitor.wait { connection.stage == .starting }
    }
    linux_prefault_stack(connection.served.attributes.prefaulted)
    pacer = WaitPacer(waiting, isRealTime: isRealTime)
    connection.setStage(.waiting)
  }

  /// Reads first and sleeps only when there is nothing, neither at once nor within a bounded spin:
  /// under load an interrupt costs one read and one re-arm.
  @inline(never)
  private func run() {
    while !connection.mustStop {
      var delta: UInt64 = 0
      var result = unsafe cuio_line_read(line, &delta)
      if result == -EAGAIN {
        core.value.lastEnd = 0
        if pacer.budget != 0, !connection.isRecovering { result = spin(&delta) }
      }
      switch result {
      case 0: dispatch(delta)
      case -EAGAIN: sleep()
      case -EINTR: continue
      default: return connection.end(-result)
      }
    }
  }

  @inline(__always)
  private func dispatch(_ delta: UInt64) {
    let outcome = unsafe dispatchInterrupt(core, line, delta)
    if outcome & ~Outcome.ordinary == 0 {
      // Not &-=, which to the thread sanitizer modifies all of `core`, whose lock others read.
      core.value.turnsLeft = core.value.turnsLeft &- 1
      if core.value.turnsLeft != 0 { return }
    }
    connection.handle(outcome)
    if connection.isBraked { waitForResume() }
  }

  private func spin(_ delta: inout UInt64) -> Int32 {
    let stop = connection.stop
    let start = linux_ticks()
    let result = unsafe cuio_line_spin(
      line, &delta, pacer.budget, pacer.yieldAfter, stop.pointer)
    connection.activity.spun &+= linux_ticks() &- start
    switch result {
    case 0:
      pacer.found()
      Counter.add(&core.value.counters.spinsFound, 1)
    case -EAGAIN:
      pacer.foundNothing()
      Counter.add(&core.value.counters.spinsInVain, 1)
    default: break
    }
    return result
  }

  @inline(never)
  private func sleep() {
    Counter.add(&core.value.counters.sleeps, 1)
    let start = linux_ticks()
    let result = wait(connection.quietTimeout)
    guard result >= 0 else { return }
    let slept = linux_ticks() &- start
    connection.activity.rested &+= slept
    if result == Int32(CUIO_WAIT_READABLE) { pacer.slept(slept) }
    if result & Int32(CUIO_WAIT_WOKEN) != 0 { wokenUp() }
    // A dead descriptor is ready forever (fact 22): what the next read does not explain is the end
    // as well.
    if result & Int32(CUIO_WAIT_DEAD) != 0, result & Int32(CUIO_WAIT_READABLE) == 0 { confirmEnd() }
    if result == Int32(CUIO_WAIT_TIMEOUT) { connection.quietElapsed() }
  }

  /// Another thread has called `wakeUp()`.
  func wokenUp() {
    _ = linux_event_drain(wake.raw)
    connection.reportPosted()
  }

  /// In parts, so that the heartbeat shows that the thread lives.
  private func wait(_ timeout: Int32) -> Int32 {
    var left = timeout
    while true {
      connection.beats.add(1, ordering: .relaxed)
      let part = min(left, connection.recheck)
      let result = unsafe cuio_wait(line.pointee.fd, wake.raw, part, false)
      left -= part
      if result != Int32(CUIO_WAIT_TIMEOUT) || left == 0 { return result }
    }
  }

  private func confirmEnd() {
    var delta: UInt64 = 0
    let result = unsafe cuio_line_read(line, &delta)
    if result == 0 {
      dispatch(delta)
    } else if result != -EINTR {
      connection.end(result == -EAGAIN ? EIO : -result)
      unsafe cuio_flag_raise(connection.stop.pointer)
    }
  }
}
