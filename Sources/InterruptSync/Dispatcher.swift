// The thread that stands for interrupt level: a connection with a thread of its own. Here is what
// other threads do with it; Dispatcher+Thread.swift is its loop.
import CUIO
import Glibc
import UIO

@safe final class Dispatcher: Connection, @unchecked Sendable {
  let wake: FileDescriptor
  private var thread = pthread_t()
  /// Written before the thread may run, then only by the thread.
  var pacer = WaitPacer.block
  private var waiting = WaitConditions.Decision.block
  private var isRealTime = false
  /// Held while connected.
  private var latencyRequest: FileDescriptor?

  /// - Throws: `resourcesExhausted`.
  init(_ storage: SyncStorage, source: any InterruptSource, line: InterruptLine)
    throws(InterruptSyncError)
  {
    let fd = cuio_event_create()
    guard fd >= 0 else {
      throw InterruptSyncError(
        .resourcesExhausted, object: storage.name, operation: "connect",
        cause: "no eventfd to be had", errno: -fd)
    }
    wake = FileDescriptor(adopting: fd)
    super.init(storage: storage, source: source, line: line)
  }

  override var isCurrentThread: Bool { pthread_equal(pthread_self(), thread) != 0 }

  /// Starts the thread and returns when it is about to wait (N10).
  override func start() throws(InterruptSyncError) {
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

  override func wakeUp() { _ = cuio_event_signal(wake.raw, 1) }

  override func finish(waiting: Bool) {
    _ = waiting ? cuio_thread_join(thread) : cuio_thread_detach(thread)
  }

  override var cpuTime: Int64 { cuio_thread_cpu_time(thread) }
}
