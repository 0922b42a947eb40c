import CUIO
import Glibc
import UIO

extension WaitConditions {
  /// Those of `thread` as it has been placed, for `source`'s line.
  static func current(_ thread: pthread_t, _ source: any InterruptSource) -> WaitConditions {
    current(thread, hardware: source.isHardware) { source.interruptNumber }
  }

  /// - Parameter interrupt: the number of the interrupt, should it be asked for.
  static func current(
    _ thread: pthread_t, hardware: Bool, procfs: Procfs = .system, interrupt: () -> Int?
  ) -> WaitConditions {
    var words = [UInt64](repeating: 0, count: 16)
    _ = unsafe cuio_thread_get_affinity(thread, &words, words.count)
    var policy: Int32 = 0
    var priority: Int32 = 0
    _ = unsafe cuio_thread_get_policy(thread, &policy, &priority)
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

extension KernelVersion {
  /// The running kernel's; one that says nothing to be understood counts as the newest.
  static let running: KernelVersion = {
    var name = utsname()
    guard unsafe uname(&name) == 0 else { return KernelVersion(.max, 0) }
    let release = unsafe withUnsafeBytes(of: name.release) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    return KernelVersion(release: release) ?? KernelVersion(.max, 0)
  }()
}
