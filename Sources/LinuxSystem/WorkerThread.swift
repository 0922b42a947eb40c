// The one way to start a thread from Swift: explicit stack size, a name, every signal but a crash's
// blocked, and the body kept alive until it runs. Floor 1. InterruptSync's rooms with threads,
// VFIO, DescriptorCloser and the daemon start theirs here, on any thread at PASSIVE_LEVEL without
// an interrupt lock. A monitor guards the handle until the thread is joined or detached;
// ThreadPlacement places the thread through it.
import CLinuxSystem
package import Glibc

/// A thread that runs one body and ends. Join or detach it; the last reference detaches.
@safe package final class WorkerThread: @unchecked Sendable {
  private final class Start {
    let name: String
    let body: @Sendable () -> Void

    init(_ name: String, _ body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// For placing it. Valid until it is joined, or has ended detached.
  package let handle: pthread_t
  /// A forked child does not have the thread.
  private let owner = ProcessOwner()
  /// Guards what follows, and keeps the handle valid meanwhile.
  private let monitor = Monitor()
  /// Joined or detached: each may happen once.
  private var isReleased = false

  /// Starts the thread, which names itself. The body may run before this returns: where it needs what the caller does
  /// with the thread, let it begin with a monitor that the caller holds meanwhile.
  /// - Parameters:
  ///   - name: as ps(1) and top(1) show it; the kernel keeps 15 bytes.
  ///   - stackSize: bytes; 0 takes the default of the process.
  /// - Throws: `SystemError`: EAGAIN when the limit of threads or memory is reached, EINVAL for a
  ///   stack that is too small.
  package init(
    name: String, stackSize: Int = 0, _ body: @escaping @Sendable () -> Void
  ) throws(SystemError) {
    let context = unsafe Unmanaged.passRetained(Start(name, body)).toOpaque()
    var thread = pthread_t()
    let result = unsafe linux_thread_create(&thread, stackSize, Self.entry, context)
    guard result == 0 else {
      unsafe Unmanaged<Start>.fromOpaque(context).release()
      throw SystemError(-result, "start the thread \(name)")
    }
    handle = thread
  }

  private static let entry: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? =
    { context in
      guard let context = unsafe context else { return nil }
      // No routine of a driver's is left in the middle, and no lock with it.
      linux_thread_forbid_cancellation()
      let start = unsafe Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
      // Itself: for another thread the C library would write a file of procfs.
      _ = unsafe linux_thread_set_name(pthread_self(), start.name)
      start.body()
      return nil
    }

  deinit { detach() }

  /// Processor time so far, in nanoseconds, or -errno once the thread has ended.
  package var cpuTime: Int64 { linux_thread_cpu_time(handle) }

  /// Whether the calling thread is this one.
  package var isCurrent: Bool { pthread_equal(pthread_self(), handle) != 0 && owner.isCurrent }

  /// Waits until the body has returned. Not from the thread itself. Does nothing when it was joined
  /// or detached before, and in a forked child.
  package func join() {
    guard mayRelease() else { return }
    _ = linux_thread_join(handle)
  }

  /// The thread's resources are freed when its body returns. Does nothing when it was joined or
  /// detached before, and in a forked child.
  package func detach() {
    guard mayRelease() else { return }
    _ = linux_thread_detach(handle)
  }

  private func mayRelease() -> Bool {
    guard owner.isCurrent else { return false }
    return monitor.locked {
      defer { isReleased = true }
      return !isReleased
    }
  }
}

// MARK: Processors

extension WorkerThread {
  private static let words = ProcessorList.limit / 64

  /// Those of its processors that are in use now. Nil once the thread has ended or was joined or
  /// detached, and in a forked child.
  package func processors() -> Set<Int>? {
    guard owner.isCurrent else { return nil }
    var words = [UInt64](repeating: 0, count: Self.words)
    let result = monitor.locked {
      isReleased ? -ESRCH : unsafe linux_thread_get_affinity(handle, &words, words.count)
    }
    guard result == 0 else { return nil }
    return Set((0..<ProcessorList.limit).filter { words[$0 / 64] >> UInt64($0 % 64) & 1 != 0 })
  }

  /// Lets the thread run on these only, as far as its cgroup allows them. 0 or -errno.
  package func setProcessors(_ processors: Set<Int>) -> Int32 {
    var words = [UInt64](repeating: 0, count: Self.words)
    for processor in processors where (0..<ProcessorList.limit).contains(processor) {
      words[processor / 64] |= 1 << UInt64(processor % 64)
    }
    guard owner.isCurrent else { return -ECHILD }
    return monitor.locked {
      isReleased ? -ESRCH : unsafe linux_thread_set_affinity(handle, &words, words.count)
    }
  }
}
