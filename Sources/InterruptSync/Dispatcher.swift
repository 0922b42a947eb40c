// The thread that stands for interrupt level: one connection, from connect to disconnect. It waits
// for the line without the lock, dispatches under it (SyncCore+Dispatch.swift), and does outside of
// it whatever else an interrupt asks for.
import CUIO
import Glibc
import Synchronization
import UIO

@safe final class Dispatcher: @unchecked Sendable {
  let storage: SyncStorage
  let source: any InterruptSource
  private let line: UnsafeMutablePointer<cuio_line>
  private let core: UnsafeMutablePointer<SyncCore>
  private let wake: FileDescriptor
  /// Up: leave as soon as possible.
  private let stop: UnsafeMutablePointer<UInt32>
  private let ended = Atomic<Bool>(false)
  private let braked = Atomic<Bool>(false)
  private let resume = Atomic<Bool>(false)
  /// Set by the first of two: the end of the thread and the end of the connection.
  private let isHalfReleased = Atomic<Bool>(false)
  /// Only the thread uses it.
  private var hasGivenLineBack = false
  private var thread = pthread_t()
  private let stage = Monitor()
  private var current = Stage.starting

  /// How far the connection has come, as the thread and the connecting thread tell each other.
  private enum Stage { case starting, waiting, standing, failed }

  /// What this connection is recovering from. Only the thread uses it.
  private enum Trouble {
    case none
    /// The brake let go; the next pause in milliseconds, should the storm go on.
    case storm(next: Int32)
    /// The line could not be re-armed; the pause before the next try.
    case rearm(pause: Int32)
  }
  private var trouble = Trouble.none

  /// How long the thread sleeps without looking after the line by itself: the kernel can lose the
  /// wake-up of a removal (fact 23).
  private static let recheck: Int32 = 1000

  /// - Throws: `resourcesExhausted`.
  init(storage: SyncStorage, source: any InterruptSource, line: InterruptLine)
    throws(InterruptSyncError)
  {
    let fd = cuio_event_create()
    guard fd >= 0 else {
      throw InterruptSyncError(
        .resourcesExhausted, object: storage.name, operation: "connect",
        cause: "no eventfd to be had", errno: -fd)
    }
    wake = FileDescriptor(adopting: fd)
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
  var isCurrentThread: Bool { pthread_equal(pthread_self(), thread) != 0 }

  // MARK: Control, from other threads

  /// Starts the thread and returns when it is about to wait (N10).
  func start() throws(InterruptSyncError) {
    let context = unsafe Unmanaged.passRetained(self).toOpaque()
    let attributes = storage.options.dispatcher
    // The new thread begins with this monitor, so it cannot run before `thread` is known.
    let result = stage.locked {
      let result = unsafe cuio_thread_create(
        &thread, attributes.stackSize, Dispatcher.entry, context)
      if result == 0 { stage.wait { current == .starting } }
      return result
    }
    guard result == 0 else {
      unsafe Unmanaged<Dispatcher>.fromOpaque(context).release()
      throw InterruptSyncError(
        .resourcesExhausted, object: storage.name, operation: "connect",
        cause: "no thread to be had",
        hint: "raise the limit (systemd: TasksMax=, LimitNPROC=)", errno: -result)
    }
    ThreadPlacement.apply(attributes, to: thread, named: storage.name) { self.refusals.append($0) }
  }

  /// Attributes that the system refused, to be reported once the connection stands.
  private(set) var refusals: [InterruptReport] = []

  /// Says whether the connection stands, for which reports wait.
  func decide(stands: Bool) {
    stage.locked {
      current = stands ? .standing : .failed
      stage.broadcast()
    }
  }

  /// Not before connect has decided: the handler may disconnect, and has to find the connection
  /// that the report is about. Of one that failed connect itself tells.
  private func report(_ report: InterruptReport) {
    let stands = stage.locked {
      stage.wait { current == .waiting }
      return current == .standing
    }
    if stands { storage.report(report) }
  }

  /// Tells the thread to leave.
  func requestStop() {
    unsafe cuio_flag_raise(stop)
    _ = cuio_event_signal(wake.raw, 1)
  }

  /// Waits for the thread, or lets it end by itself where waiting would be for the caller's own end
  /// (N12).
  func finish(waiting: Bool) {
    _ = waiting ? cuio_thread_join(thread) : cuio_thread_detach(thread)
  }

  /// Masks the line. With the interrupt lock held, so that no re-arm follows. A line that has gone
  /// cannot be masked.
  func maskLine() { _ = unsafe cuio_line_mask(line) }

  /// Gives the line back to its source, once the thread reads it no more. Where nobody could wait
  /// for the thread (N12), the thread does it as its last act.
  func giveLineBack() {
    if isCurrentThread, !storage.lock.isHeldByCaller {
      // From the report handler, behind which nothing is read; it may want to connect again.
      hasGivenLineBack = true
      source.detach()
    } else {
      releaseLine()
    }
  }

  private func releaseLine() {
    if isHalfReleased.exchange(true, ordering: .acquiringAndReleasing) { source.detach() }
  }

  /// Ends a storm that is to stay masked.
  func resumeAfterStorm() {
    resume.store(true, ordering: .releasing)
    _ = cuio_event_signal(wake.raw, 1)
  }

  /// Processor time of the thread so far, in nanoseconds. For tests and for a doctor.
  var cpuTime: Int64 { cuio_thread_cpu_time(thread) }

  // MARK: The thread

  private static let entry: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? =
    { context in
      guard let context = unsafe context else { return nil }
      let dispatcher = unsafe Unmanaged<Dispatcher>.fromOpaque(context).takeRetainedValue()
      cuio_prefault_stack(dispatcher.storage.options.dispatcher.prefaulted)
      dispatcher.stage.locked {
        dispatcher.current = .waiting
        dispatcher.stage.broadcast()
      }
      dispatcher.run()
      if !dispatcher.hasGivenLineBack { dispatcher.releaseLine() }
      return nil
    }

  private var mustStop: Bool { unsafe cuio_flag_is_up(stop) }

  /// Reads first and sleeps only when there is nothing: under load an interrupt costs one read and
  /// one re-arm.
  private func run() {
    while !mustStop {
      var delta: UInt64 = 0
      let result = unsafe cuio_line_read(line, &delta)
      switch result {
      case 0:
        let outcome = unsafe dispatchInterrupt(core, line, delta)
        cuio_thread_left_lock()
        if outcome & ~Outcome.claimed != 0 || isTroubled { settle(outcome) }
      case -EAGAIN: sleep()
      case -EINTR: continue
      default: return end(-result)
      }
    }
  }

  private var isTroubled: Bool { if case .none = trouble { false } else { true } }
  private var isStorming: Bool { if case .storm = trouble { true } else { false } }

  private func sleep() {
    let timeout: Int32 =
      switch trouble {
      case .none: Self.recheck
      case .storm(let pause), .rearm(let pause): max(pause, 100)
      }
    let result = unsafe cuio_wait(line.pointee.fd, wake.raw, timeout, false)
    guard result >= 0 else { return }
    if result & Int32(CUIO_WAIT_WOKEN) != 0 { _ = cuio_event_drain(wake.raw) }
    // A dead descriptor is ready for ever (fact 22): what the next read does not explain is the end
    // as well.
    if result & Int32(CUIO_WAIT_DEAD) != 0, result & Int32(CUIO_WAIT_READABLE) == 0 { confirmEnd() }
    if result == Int32(CUIO_WAIT_TIMEOUT) { quietForAWhile() }
  }

  private func confirmEnd() {
    var delta: UInt64 = 0
    let result = unsafe cuio_line_read(line, &delta)
    if result == 0 {
      let outcome = unsafe dispatchInterrupt(core, line, delta)
      cuio_thread_left_lock()
      settle(outcome)
    } else if result != -EINTR {
      end(result == -EAGAIN ? EIO : -result)
      unsafe cuio_flag_raise(stop)
    }
  }

  /// Nothing came for the whole pause: a storm is over, a failed re-arm is tried again.
  private func quietForAWhile() {
    switch trouble {
    case .none: break
    case .storm:
      trouble = .none
      report(.stormEnded)
    case .rearm(let pause): retryRearm(pause)
    }
  }

  // MARK: What a dispatch left to do

  private func settle(_ outcome: Int32) {
    if outcome & Outcome.lockFailed != 0 {
      ended.store(true, ordering: .releasing)
      report(.failed(storage.refused(-ESRCH, "dispatch an interrupt")))
      unsafe cuio_flag_raise(stop)
      return
    }
    if outcome & Outcome.repeatLimit != 0 {
      report(.repeatLimitReached(passes: unsafe core.pointee.repeatLimit))
    }
    if isStorming, outcome & Outcome.claimed != 0 {
      trouble = .none
      report(.stormEnded)
    }
    if outcome & Outcome.rearmFailed != 0 {
      rearmFailed()
    } else if case .rearm = trouble, outcome & Outcome.stormBegan == 0 {
      rearmRecovered()
    }
    if outcome & Outcome.stormBegan != 0 { brake() }
  }

  private func rearmFailed() {
    if case .rearm = trouble { return }
    trouble = .rearm(pause: 10)
    // A device that is going away cannot be re-armed either; then the next read says so.
    guard unsafe !LivenessGate.isDead(line.pointee.fd) else { return }
    let number = storage.holdingLock { unsafe -core.pointee.rearmError }
    report(.rearmFailed(source.failure(.rearm, errno: number)))
  }

  private func rearmRecovered() {
    trouble = .none
    report(.rearmRecovered)
  }

  private func retryRearm(_ pause: Int32) {
    let outcome = storage.holdingLock {
      unsafe core.pointee.mayRearm && !core.pointee.isBraked ? unsafe rearmLine(core, line) : 0
    }
    guard outcome == 0 else {
      trouble = .rearm(pause: min(pause * 2, Self.recheck))
      return
    }
    rearmRecovered()
  }

  /// Leaves the line masked for the policy's pause, or until told; then re-arms once and watches
  /// (N20).
  private func brake() {
    var pause: Int32 = -1
    var next: Int32 = -1
    if case .backOff(let first, let longest) = storage.options.storm.action {
      if case .storm(let due) = trouble { pause = due } else { pause = first }
      next = pause > longest / 2 ? longest : min(max(pause, 1) * 2, longest)
    }
    // Said before this storm, it was not meant for it.
    resume.store(false, ordering: .relaxed)
    braked.store(true, ordering: .relaxed)
    if !isStorming {
      unsafe cuio_counter_add(&core.pointee.counters.storms, 1)
      report(.stormBegan(unclaimed: UInt64(storage.options.storm.limit)))
    }
    trouble = .storm(next: max(next, 0))
    let isDead = pauseMasked(pause)
    braked.store(false, ordering: .relaxed)
    guard !mustStop, !isDead else { return }
    let outcome = storage.holdingLock {
      unsafe core.pointee.isBraked = false
      // One more unclaimed interrupt brakes again; the window starts now, however long the pause
      // was.
      unsafe core.pointee.unclaimedInARow = storage.options.storm.limit - 1
      unsafe core.pointee.lastUnclaimed = cuio_ticks()
      return unsafe core.pointee.mayRearm ? unsafe rearmLine(core, line) : 0
    }
    if outcome != 0 { rearmFailed() }
  }

  /// Waits `milliseconds` (-1: until resumed) without looking at the count. True when the line
  /// died.
  private func pauseMasked(_ milliseconds: Int32) -> Bool {
    let deadline = cuio_nanoseconds() + UInt64(max(milliseconds, 0)) * 1_000_000
    while !mustStop, !resume.exchange(false, ordering: .acquiringAndReleasing) {
      let now = cuio_nanoseconds()
      if milliseconds >= 0, now >= deadline { return false }
      let left = milliseconds < 0 ? Self.recheck : Int32((deadline - now) / 1_000_000) + 1
      let result = unsafe cuio_wait(line.pointee.fd, wake.raw, min(left, Self.recheck), true)
      if result > 0, result & Int32(CUIO_WAIT_WOKEN) != 0 { _ = cuio_event_drain(wake.raw) }
      if result > 0, result & Int32(CUIO_WAIT_DEAD) != 0 { return true }
    }
    return false
  }

  /// The line has gone or failed: said once, and the thread ends (facts 21, 22).
  private func end(_ number: Int32) {
    ended.store(true, ordering: .releasing)
    let error = source.failure(.read, errno: number)
    report(error.code == .removed ? .removed(error) : .failed(error))
  }
}
