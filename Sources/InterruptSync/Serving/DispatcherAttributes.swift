// Room Serving: what a driver asks of the thread that serves its line. Drivers, the C interface and
// the daemon's DeviceSettings make them; ThreadPlacement and WaitConditions read them when a thread
// starts. Values: any thread, no lock; nothing is asked of the system here.

/// How the dispatcher thread of a connection runs.
///
/// What the system refuses is reported once (`InterruptReport.attributeRefused`) and done without.
public struct DispatcherAttributes: Equatable, Sendable {
  /// A scheduling policy of sched(7).
  public enum Policy: Equatable, Sendable {
    /// The ordinary policy, also when the thread that connects has a real-time one.
    case other
    /// SCHED_FIFO at 1 to 99. Since Linux 6.10 a hardware interrupt reaches UIO through a thread at
    /// FIFO 50 (fact 53): stay below it unless that thread is raised too.
    case fifo(Int32)
    /// SCHED_RR at 1 to 99.
    case roundRobin(Int32)
  }

  /// The scheduling policy; refused without CAP_SYS_NICE or LimitRTPRIO when it is a real-time one.
  public var policy: Policy
  /// Processors the thread may run on; empty means all that the cgroup allows, not those of the
  /// thread that connects.
  public var processors: Set<Int>
  /// At most 15 bytes are kept; empty takes the object's name.
  public var name: String
  /// Bytes.
  public var stackSize: Int
  /// What the thread does between interrupts. A dispatcher's matter only: other threads that take
  /// these attributes always sleep. So are the three that follow.
  public var waiting: WaitStrategy
  /// Processors that serve the line's interrupt (`/proc/irq/N/smp_affinity_list`), and with it its
  /// `irq/N` thread (fact 53); empty leaves it to the system. Stays when the connection ends. The
  /// dispatcher's own processor is best for a thread that sleeps, a neighbour for one that spins.
  public var interruptProcessors: Set<Int>
  /// Locks the process's memory as it is touched (mlockall(2) with MCL_ONFAULT), so that no page
  /// fault delays an interrupt. Stays when the connection ends.
  public var locksMemory: Bool
  /// The longest the processors may take to come out of idleness while connected, in whole
  /// microseconds (`/dev/cpu_dma_latency`); zero keeps them awake, nil asks for nothing.
  public var latencyLimit: Duration?
  /// How long the thread sleeps at most without a look at its line, in milliseconds. With more, tests
  /// show that a removal itself wakes it.
  package var recheck = usualRecheck
  package static let usualRecheck: Int32 = 1000

  /// As much of the stack as the thread touches before it begins: what a dispatch takes, and for a
  /// thread that must not meet a page fault what its routines may take, too.
  var prefaulted: Int {
    let wanted = policy == .other && !locksMemory ? 16 * 1024 : 64 * 1024
    return stackSize == 0 ? wanted : min(wanted, stackSize / 2)
  }

  /// The ordinary policy, all processors, the object's name and 256 KiB of stack unless told
  /// otherwise. A value: nothing is asked of the system before a thread starts.
  ///
  /// - Parameters:
  ///   - policy: the scheduling policy.
  ///   - processors: those the thread may run on; empty means all.
  ///   - name: at most 15 bytes are kept; empty takes the object's name.
  ///   - stackSize: in bytes; 0 takes the system's.
  ///   - waiting: what the thread does between interrupts.
  ///   - interruptProcessors: those that serve the line's interrupt; empty leaves it to the system.
  ///   - locksMemory: whether the process's memory is locked.
  ///   - latencyLimit: of the processors while connected; nil asks for nothing.
  public init(
    policy: Policy = .other, processors: Set<Int> = [], name: String = "",
    stackSize: Int = 256 * 1024, waiting: WaitStrategy = .automatic,
    interruptProcessors: Set<Int> = [], locksMemory: Bool = false, latencyLimit: Duration? = nil
  ) {
    self.policy = policy
    self.processors = processors
    self.name = name
    self.stackSize = stackSize
    self.waiting = waiting
    self.interruptProcessors = interruptProcessors
    self.locksMemory = locksMemory
    self.latencyLimit = latencyLimit
  }
}

/// How a dispatcher's thread waits when it has read the count and there is no interrupt.
///
/// Every strategy ends in sleep: none spins without limit, and none keeps `disconnect()` waiting.
/// [docs/performance.md](docs/performance.md) has what each costs and gives.
public enum WaitStrategy: Equatable, Sendable {
  /// `adaptive` where that is safe, else `block`: safe is more than one processor for the thread
  /// and, where interrupts reach it through a thread of the kernel's (since Linux 6.10, or with
  /// `threadirqs` or PREEMPT_RT), a priority below that thread's (facts 53, 54).
  case automatic
  /// Sleeps at once. An interrupt costs a wake-up; the processor is free.
  case block
  /// Reads on for up to `budget` (at most 1 ms), and then sleeps. Nil takes twice what a wake-up
  /// costs on this machine, measured once, within 20 and 50 µs: reading on then never costs more
  /// than a few times the best that could be done. Where it finds nothing the budget is halved and
  /// soon nothing; an interrupt that a whole budget would have met restores it.
  case adaptive(budget: Duration? = nil)
  /// Reads on until nothing has come for `idle` (at most 100 ms), and then sleeps until the next
  /// interrupt. Every 50 µs it lets threads of its own priority run. For a processor of
  /// its own.
  case poll(idle: Duration = .milliseconds(1))
}
