// Where async code meets the interrupt lock: an ordinary thread that may wait for it, so that no
// thread of the cooperative pool does. Control plane: a job costs an allocation and a wake-up.
import CUIO
import Glibc
import LinuxSystem

/// A thread that runs jobs in the order in which they came. Started by the first.
final class EdgeThread: Sendable {
  private let worker: EdgeWorker

  init(name: String, attributes: DispatcherAttributes = DispatcherAttributes()) {
    worker = EdgeWorker(name: name, attributes: attributes)
  }

  /// Jobs that came before are run; nobody waits for them.
  deinit { worker.stop() }

  /// Starts the thread if there is none.
  /// - Throws: `resourcesExhausted`.
  func start() throws(InterruptSyncError) { try worker.start() }

  /// Adds a job. Any thread, any level. After `start()`.
  func enqueue(_ job: @escaping @Sendable () -> Void) { worker.enqueue(job) }
}

/// The thread's half: it must not keep the edge alive, or the edge would never end.
private final class EdgeWorker: @unchecked Sendable {
  private let name: String
  private let attributes: DispatcherAttributes
  /// Guards what follows. Never held while the interrupt lock is waited for.
  private let monitor = Monitor()
  private var jobs: [@Sendable () -> Void] = []
  private var isRunning = false
  private var mustStop = false

  init(name: String, attributes: DispatcherAttributes) {
    self.name = name
    self.attributes = attributes
  }

  func start() throws(InterruptSyncError) {
    try monitor.locked { () throws(InterruptSyncError) in
      guard !isRunning else { return }
      let context = unsafe Unmanaged.passRetained(self).toOpaque()
      var thread = pthread_t()
      let result = unsafe cuio_thread_create(
        &thread, attributes.stackSize, EdgeWorker.entry, context)
      guard result == 0 else {
        unsafe Unmanaged<EdgeWorker>.fromOpaque(context).release()
        throw InterruptSyncError(
          .resourcesExhausted, object: name, operation: "start a thread for async calls",
          cause: "no thread to be had",
          hint: "raise the limit (systemd: TasksMax=, LimitNPROC=)", errno: -result)
      }
      isRunning = true
      ThreadPlacement.apply(attributes, to: thread, named: name, report: nil)
      _ = cuio_thread_detach(thread)
    }
  }

  func enqueue(_ job: @escaping @Sendable () -> Void) {
    monitor.locked {
      jobs.append(job)
      monitor.broadcast()
    }
  }

  func stop() {
    monitor.locked {
      mustStop = true
      monitor.broadcast()
    }
  }

  private static let entry: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? =
    { context in
      guard let context = unsafe context else { return nil }
      let worker = unsafe Unmanaged<EdgeWorker>.fromOpaque(context).takeRetainedValue()
      while let batch = worker.next() { for job in batch { job() } }
      return nil
    }

  /// Waits for jobs. Nil: there are none and none will come.
  private func next() -> [@Sendable () -> Void]? {
    monitor.locked {
      monitor.wait { jobs.isEmpty && !mustStop }
      guard !jobs.isEmpty else { return nil }
      defer { jobs.removeAll() }
      return jobs
    }
  }
}
