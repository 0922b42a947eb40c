// Room Serving: whether a thread may read on for a while instead of sleeping. DispatcherThread and
// GroupThread ask when they start, on the thread that connects or makes the group, at PASSIVE_LEVEL
// without a lock. A rule about plain values, so that it can be tested without the machines it is
// about; the second half asks the system for them.
import CUIO
import Glibc
import UIO

/// What decides about a `WaitStrategy`.
struct WaitConditions: Equatable, Sendable {
  /// Processors the thread may run on.
  var processors: Int
  /// The thread's real-time priority; 0 is none.
  var priority: Int32
  /// The running kernel.
  var kernel: KernelVersion
  /// The kernel forces interrupts into threads (`threadirqs`, PREEMPT_RT; fact 54).
  var forcesThreads: Bool
  /// The line is a hardware interrupt of the kernel's.
  var isHardware: Bool
  /// Real-time priority of the line's `irq/N` thread, where it is known.
  var interruptThreadPriority: Int32?

  /// What the kernel gives its interrupt threads (fact 53).
  static let usualPriority: Int32 = 50

  /// What the thread does in the end; in nanoseconds.
  enum Decision: Equatable {
    case block
    /// Nil: the thread measures it.
    case adaptive(budget: UInt64?)
    case poll(idle: UInt64)
  }

  /// Interrupts reach the line through a thread of the kernel's.
  private var comesThroughThread: Bool {
    isHardware
      && (interruptThreadPriority != nil || forcesThreads || kernel >= KernelVersion(6, 10))
  }

  /// While this thread reads on, the one it waits for may not run.
  var keepsInterruptsOut: Bool {
    comesThroughThread && priority >= interruptThreadPriority ?? Self.usualPriority
  }

  func decide(_ strategy: WaitStrategy) -> Decision {
    switch strategy {
    case .block: .block
    case .automatic:
      processors > 1 && !keepsInterruptsOut ? .adaptive(budget: nil) : .block
    case .adaptive(let budget):
      keepsInterruptsOut
        ? .block : .adaptive(budget: budget.map { min($0.inNanoseconds, 1_000_000) })
    case .poll(let idle):
      keepsInterruptsOut ? .block : .poll(idle: min(idle.inNanoseconds, 100_000_000))
    }
  }

  /// Whether `strategy` was asked for and must be refused.
  func refuses(_ strategy: WaitStrategy) -> Bool {
    switch strategy {
    case .automatic, .block: false
    case .adaptive, .poll: keepsInterruptsOut
    }
  }
}

extension WaitConditions {
  /// Those of `thread` as it has been placed, for `source`'s line.
  static func current(_ thread: pthread_t, _ source: any InterruptSource) -> WaitConditions {
    current(thread, hardware: source.isHardware) { source.interruptNumber }
  }

  /// - Parameter interrupt: gives the interrupt's number; called only if it matters.
  static func current(
    _ thread: pthread_t, hardware: Bool, procfs: Procfs = .system, interrupt: () -> Int?
  ) -> WaitConditions {
    var words = [UInt64](repeating: 0, count: 16)
    _ = unsafe linux_thread_get_affinity(thread, &words, words.count)
    var policy: Int32 = 0
    var priority: Int32 = 0
    _ = unsafe linux_thread_get_policy(thread, &policy, &priority)
    var conditions = WaitConditions(
      processors: words.reduce(0) { $0 + $1.nonzeroBitCount }, priority: priority,
      kernel: .running, forcesThreads: false, isHardware: hardware,
      interruptThreadPriority: nil)
    // A thread of the ordinary policy is below every interrupt thread: no need to look for it.
    guard priority > 0, hardware else { return conditions }
    conditions.forcesThreads = procfs.forcesInterruptThreads || Self.isRealTimeKernel
    conditions.interruptThreadPriority = interrupt().flatMap {
      procfs.priority(ofInterruptThread: $0)
    }
    return conditions
  }

  private static var isRealTimeKernel: Bool { unsafe access("/sys/kernel/realtime", F_OK) == 0 }
}

/// A kernel's version as far as rules look at it.
struct KernelVersion: Comparable, Sendable {
  var major: Int
  var minor: Int

  init(_ major: Int, _ minor: Int) {
    self.major = major
    self.minor = minor
  }

  /// The release of uname(2), such as `6.12.9+deb13-amd64`. Nil for what begins otherwise.
  init?(release: String) {
    let parts = release.split(separator: ".", maxSplits: 2)
    guard parts.count >= 2, let major = Int(parts[0]),
      let minor = Int(parts[1].prefix { $0.isNumber })
    else { return nil }
    self.init(major, minor)
  }

  static func < (a: Self, b: Self) -> Bool { (a.major, a.minor) < (b.major, b.minor) }

  /// The running kernel's; a release that cannot be parsed counts as the newest.
  static let running: KernelVersion = {
    var name = utsname()
    guard unsafe uname(&name) == 0 else { return KernelVersion(.max, 0) }
    let release = unsafe withUnsafeBytes(of: name.release) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    return KernelVersion(release: release) ?? KernelVersion(.max, 0)
  }()
}
