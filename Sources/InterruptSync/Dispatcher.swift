// The thread that stands for interrupt level: one connection, from connect to disconnect. Here is
// what other threads do with it; Dispatcher+Thread.swift is its loop, Dispatcher+Recovery.swift
// what it does when an interrupt leaves something to be put right.
import CUIO
import Glibc
import Synchronization
import UIO

@safe final class Dispatcher: @unchecked Sendable {
  let storage: SyncStorage
  let source: any InterruptSource
  let line: UnsafeMutablePointer<cuio_line>
  let core: UnsafeMutablePointer<SyncCore>
  let wake: FileDescriptor
  /// Up: leave as soon as possible.
  let stop: UnsafeMutablePointer<UInt32>
  let ended = Atomic<Bool>(false)
  let braked = Atomic<Bool>(false)
  let resume = Atomic<Bool>(false)
  /// Set by the first of two: the end of the thread and the end of the connection.
  private let isHalfReleased = Atomic<Bool>(false)
  /// Only the thread uses it.
  var hasGivenLineBack = false
  private var thread = pthread_t()
  let stage = Monitor()
  var current = Stage.starting

  /// Written before the thread may run, then only by the thread.
  var pacer = WaitPacer.block
  private var waiting = WaitConditions.Decision.block
  private var isRealTime = false
  /// Held while connected.
  private var latencyRequest: FileDescriptor?

  /// How far the connection has come, as the thread and the connecting thread tell each other.
  enum Stage { case starting, placed, waiting, standing, failed }

  /// What this connection is recovering from. Only the thread uses it.
  enum Trouble {
    case none
    /// The brake let go; the next pause in milliseconds, should the storm go on.
    case storm(next: Int32)
    /// The line could not be re-armed; the pause before the next try.
    case rearm(pause: Int32)
  }
  var trouble = Trouble.none

  /// How long the thread sleeps without looking after the line by itself: the kernel can lose the
  /// wake-up of a removal (fact 23).
  static let recheck: Int32 = 1000

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

  /// Starts the thread and returns when it is about to wait (N10).
  func start() throws(InterruptSyncError) {
    let context = unsafe Unmanaged.passRetained(self).toOpaque()
    let attributes = storage.options.dispatcher
    // The new thread begins with this monitor, so it cannot run before `thread` is known.
    let result = stage.locked {
      unsafe cuio_thread_create(&thread, attributes.stackSize, Dispatcher.entry, context)
    }
    guard result == 0 else {
      unsafe Unmanaged<Dispatcher>.fromOpaque(context).release()
      throw InterruptSyncError(
        .resourcesExhausted, object: storage.name, operation: "connect",
        cause: "no thread to be had",
        hint: "raise the limit (systemd: TasksMax=, LimitNPROC=)", errno: -result)
    }
    place(attributes)
    stage.locked {
      current = .placed
      stage.broadcast()
      stage.wait { current == .placed }
    }
  }

  /// Puts the waiting thread where it belongs, and decides how it will wait there.
  private func place(_ attributes: DispatcherAttributes) {
    let report: ThreadPlacement.Report = { self.refusals.append($0) }
    ThreadPlacement.apply(attributes, to: thread, named: storage.name, report: report)
    ThreadPlacement.route(attributes, source, named: storage.name, report: report)
    latencyRequest = ThreadPlacement.prepare(attributes, named: storage.name, report: report)
    guard attributes.waiting != .block else { return }
    let conditions = WaitConditions.current(thread, source)
    waiting = conditions.decide(attributes.waiting)
    isRealTime = conditions.priority > 0
    if conditions.refuses(attributes.waiting) {
      ThreadPlacement.refusedSpin(conditions, named: storage.name, report: report)
    }
  }

  /// What the thread does before it waits: on its own stack, at its own priority.
  func settleIn() {
    stage.locked { stage.wait { current == .starting } }
    cuio_prefault_stack(storage.options.dispatcher.prefaulted)
    pacer = WaitPacer(waiting, isRealTime: isRealTime)
    stage.locked {
      current = .waiting
      stage.broadcast()
    }
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
  func report(_ report: InterruptReport) {
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

  func releaseLine() {
    if isHalfReleased.exchange(true, ordering: .acquiringAndReleasing) { source.detach() }
  }

  /// Ends a storm that is to stay masked.
  func resumeAfterStorm() {
    resume.store(true, ordering: .releasing)
    _ = cuio_event_signal(wake.raw, 1)
  }

  /// Processor time of the thread so far, in nanoseconds. For tests and for a doctor.
  var cpuTime: Int64 { cuio_thread_cpu_time(thread) }
}
