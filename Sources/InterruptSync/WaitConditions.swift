// Whether a thread may read on for a while instead of sleeping: a rule about plain values, so that
// it can be tested without the machines it is about.

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

  /// What the thread does in the end.
  enum Decision: Equatable {
    case block
    /// Nil is to be learned.
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
      keepsInterruptsOut ? .block : .adaptive(budget: budget.map { min($0, 1_000_000) })
    case .poll(let idle): keepsInterruptsOut ? .block : .poll(idle: min(idle, 100_000_000))
    }
  }

  /// Whether `strategy` was asked for and cannot be had.
  func refuses(_ strategy: WaitStrategy) -> Bool {
    switch strategy {
    case .automatic, .block: false
    case .adaptive, .poll: keepsInterruptsOut
    }
  }
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
}
