// Room Swift: where async code meets the interrupt lock. Interrupt+Synchronize and
// InterruptExecutor hand jobs over, on any thread. A job runs on the async worker's thread and
// waits there for the interrupt lock, so that no thread of the cooperative pool blocks. A monitor
// guards the list of jobs, and is held while the thread starts, never in a job. Control plane: a
// job costs an allocation and a wake-up.
import CUIO
import Glibc
import LinuxSystem

/// A thread that runs jobs in the order in which they came. Started by the first.
final class AsyncWorker: Sendable {
  private let thread: AsyncWorkerThread

  init(name: String, attributes: DispatcherAttributes = DispatcherAttributes()) {
    thread = AsyncWorkerThread(name: name, attributes: attributes)
  }

  /// Jobs that came before are run; the caller does not wait for them.
  deinit { thread.stop() }

  /// Starts the thread if there is none.
  /// - Throws: `resourcesExhausted`.
  func start() throws(InterruptSyncError) { try thread.start() }

  /// Adds a job. Any thread, any level. After `start()`.
  func enqueue(_ job: @escaping @Sendable () -> Void) { thread.enqueue(job) }
}

/// The thread's half: it must not keep the worker alive, or the worker would never end.
private final class AsyncWorkerThread: @unchecked Sendable {
  private let name: String
  private let attributes: DispatcherAttributes
  /// Guards what follows. Never held while the interrupt lock is waited for.
  private let monitor = Monitor()
  private var jobs: [@Sendable () -> Void] = []
  private var thread: WorkerThread?
  private var affinity: KeptAffinity?
  private var mustStop = false

  init(name: String, attributes: DispatcherAttributes) {
    self.name = name
    self.attributes = attributes
  }

  func start() throws(InterruptSyncError) {
    try monitor.locked { () throws(InterruptSyncError) in
      guard thread == nil else { return }
      do throws(SystemError) {
        // It waits for the monitor before it takes its first job, and is placed until then.
        let thread = try attributes.thread(of: name) { [self] in serve() }
        affinity = ThreadPlacement.apply(attributes, to: thread, named: name, report: nil)
        self.thread = thread
      } catch {
        throw InterruptSyncError(
          .resourcesExhausted, object: name, operation: "start a thread for async calls",
          cause: "cannot create a thread",
          hint: "raise the limit (systemd: TasksMax=, LimitNPROC=)", errno: error.number)
      }
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
    thread?.detach()
  }

  private func serve() {
    while let batch = next() { for job in batch { job() } }
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

/// A value sent to another thread, which alone uses it.
struct Sent<Value>: @unchecked Sendable {
  let value: Value
  init(_ value: Value) { self.value = value }
}
