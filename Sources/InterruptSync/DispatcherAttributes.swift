/// How the dispatcher thread of a connection runs.
///
/// What the system refuses is reported once (`InterruptReport.attributeRefused`) and done without.
public struct DispatcherAttributes: Equatable, Sendable {
  /// A scheduling policy of sched(7).
  public enum Policy: Equatable, Sendable {
    /// The ordinary policy.
    case other
    /// SCHED_FIFO at 1 to 99. Since Linux 6.10 a hardware interrupt reaches UIO through a thread at
    /// FIFO 50 (fact 53): stay below it unless that thread is raised too.
    case fifo(Int32)
    /// SCHED_RR at 1 to 99.
    case roundRobin(Int32)
  }

  /// The scheduling policy; refused without CAP_SYS_NICE or LimitRTPRIO when it is a real-time one.
  public var policy: Policy
  /// Processors the thread may run on; empty means all.
  public var processors: Set<Int>
  /// At most 15 bytes are kept; empty takes the object's name.
  public var name: String
  /// Bytes.
  public var stackSize: Int

  /// As much of the stack as the thread touches before it begins.
  var prefaulted: Int { stackSize == 0 ? 64 * 1024 : min(64 * 1024, stackSize / 2) }

  /// The ordinary policy, all processors, the object's name and 256 KiB of stack unless told
  /// otherwise. A value: nothing is asked of the system before a thread starts.
  ///
  /// - Parameters:
  ///   - policy: the scheduling policy.
  ///   - processors: those the thread may run on; empty means all.
  ///   - name: at most 15 bytes are kept; empty takes the object's name.
  ///   - stackSize: in bytes; 0 takes the system's.
  public init(
    policy: Policy = .other, processors: Set<Int> = [], name: String = "",
    stackSize: Int = 256 * 1024
  ) {
    self.policy = policy
    self.processors = processors
    self.name = name
    self.stackSize = stackSize
  }
}
