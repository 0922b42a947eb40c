// Devices room. The thread `vfio-opener`, which opens and closes functions of VFIO: the kernel
// resets a function at both, which takes 100 ms and more, and the control thread has no time for
// that. VFIOFunctions makes it and hands it openings, VFIO devices that end hand it their closing.
// One piece of work after the other, in order, so that a function is closed before it is opened
// again. Any thread hands work over and never waits; a monitor guards the queue, and is not held
// while work runs.
import LinuxSystem

/// Runs what may wait, in order, until the last piece is done.
final class OpeningThread: Sendable {
  private final class Queue: @unchecked Sendable {
    let monitor = Monitor()
    // Guarded by `monitor`.
    var work: [@Sendable () -> Void] = []
    var isWorking = false
    var hasEnded = false

    /// Waits for work. Nil after the end.
    func next() -> (@Sendable () -> Void)? {
      monitor.locked {
        isWorking = false
        monitor.broadcast()
        monitor.wait { work.isEmpty && !hasEnded }
        guard !work.isEmpty else { return nil }
        isWorking = true
        return work.removeFirst()
      }
    }
  }

  private let queue = Queue()

  /// - Throws: `SystemError`: EAGAIN when the limit of threads or memory is reached.
  init() throws(SystemError) {
    let queue = queue
    let thread = try WorkerThread(name: "vfio-opener", stackSize: 256 << 10) {
      while let work = queue.next() { work() }
    }
    thread.detach()
  }

  /// The thread ends once it has done everything. No thread waits for it.
  deinit {
    queue.monitor.locked {
      queue.hasEnded = true
      queue.monitor.broadcast()
    }
  }

  func run(_ work: @escaping @Sendable () -> Void) {
    let queue = queue
    queue.monitor.locked {
      queue.work.append(work)
      queue.monitor.broadcast()
    }
  }

  /// Waits until everything that was handed over is done.
  func drain() {
    queue.monitor.locked { queue.monitor.wait { queue.isWorking || !queue.work.isEmpty } }
  }

  /// What closes a file here, for as long as a file is open.
  var closer: @Sendable (@escaping @Sendable () -> Void) -> Void {
    { [self] work in run(work) }
  }
}
