// Room Serving: what the attributes of a thread ask of the system. On the thread that connects,
// without a lock; nothing here fails, a refusal is reported.
import CUIO
import Glibc
import LinuxSystem
import UIO

extension DispatcherAttributes {
  /// Starts a thread with this name, or its owner's where there is none, and this stack.
  func thread(
    of owner: String, _ body: @escaping @Sendable () -> Void
  ) throws(SystemError) -> WorkerThread {
    try WorkerThread(name: name.isEmpty ? owner : name, stackSize: stackSize, body)
  }
}

/// Puts a dispatcher's thread where its attributes ask for; what is refused is reported and done
/// without.
enum ThreadPlacement {
  typealias Report = (InterruptReport) -> Void

  static func apply(
    _ attributes: DispatcherAttributes, to thread: pthread_t, named owner: String, report: Report?
  ) {
    let (policy, priority): (Int32, Int32) =
      switch attributes.policy {
      case .other: (SCHED_OTHER, 0)
      case .fifo(let priority): (SCHED_FIFO, priority)
      case .roundRobin(let priority): (SCHED_RR, priority)
      }
    if policy != SCHED_OTHER {
      let result = linux_thread_set_policy(thread, policy, priority)
      if result != 0 {
        refused(
          owner, report, "set real-time priority \(priority)", -result,
          "systemd: LimitRTPRIO=\(priority); a shell: ulimit -r \(priority); or CAP_SYS_NICE")
      }
    } else if isExtraordinary(thread) {
      // Asked again for the reason: the thread's creation has more than one.
      let result = linux_thread_set_policy(thread, SCHED_OTHER, 0)
      if result != 0 {
        refused(
          owner, report, "run with the ordinary policy", -result,
          "start the process with SCHED_OTHER, or give it CAP_SYS_NICE")
      }
    }
    guard !attributes.processors.isEmpty else { return }
    var words = [UInt64](repeating: 0, count: 16)
    for processor in attributes.processors where (0..<1024).contains(processor) {
      words[processor / 64] |= 1 << UInt64(processor % 64)
    }
    let result = unsafe linux_thread_set_affinity(thread, &words, words.count)
    if result != 0 {
      refused(
        owner, report, "run on processors \(list(attributes.processors))", -result,
        "name processors that exist and that the cgroup allows")
    }
  }

  /// The system would not let the thread leave its creator's policy, such as SCHED_IDLE.
  private static func isExtraordinary(_ thread: pthread_t) -> Bool {
    var (policy, priority): (Int32, Int32) = (0, 0)
    return unsafe linux_thread_get_policy(thread, &policy, &priority) == 0 && policy != SCHED_OTHER
  }

  /// Has the line's interrupt served where its attributes ask for.
  static func route(
    _ attributes: DispatcherAttributes, _ source: any InterruptSource, named owner: String,
    procfs: Procfs = .system, report: Report?
  ) {
    guard !attributes.interruptProcessors.isEmpty else { return }
    let operation = "route the interrupt to processors \(list(attributes.interruptProcessors))"
    guard let number = source.interruptNumber else {
      return refused(
        owner, report, operation, 0, "set the affinity only for lines of hardware",
        cause: "the line's interrupt number is unknown")
    }
    let result = procfs.route(interrupt: number, to: attributes.interruptProcessors)
    if result != 0 {
      refused(
        owner, report, operation, -result,
        "run as root; the interrupt must be movable: /proc/irq/\(number)/smp_affinity_list")
    }
  }

  /// Locks the memory and limits the processors' latency, as asked for. The limit holds as long as
  /// the descriptor.
  static func prepare(
    _ attributes: DispatcherAttributes, named owner: String,
    latencyPath: String = "/dev/cpu_dma_latency", report: Report?
  ) -> FileDescriptor? {
    if attributes.locksMemory {
      let result = linux_lock_memory()
      if result != 0 {
        refused(
          owner, report, "lock the memory", -result,
          "systemd: LimitMEMLOCK=infinity; a shell: ulimit -l unlimited; or CAP_IPC_LOCK")
      }
    }
    guard let longest = attributes.latencyLimit else { return nil }
    var limit = Int32(clamping: longest.inNanoseconds / 1000)
    let operation = "limit the processors' latency to \(limit) µs"
    let hint = "give the process write access to \(latencyPath)"
    do throws(SystemError) {
      let file = try FileDescriptor.open(latencyPath, O_WRONLY)
      let count = unsafe write(file.raw, &limit, 4)
      let number = count < 0 ? errno : EIO
      if count == 4 { return file }
      refused(owner, report, operation, number, hint)
    } catch { refused(owner, report, operation, error.number, hint) }
    return nil
  }

  /// A spin that was asked for would keep out what it waits for.
  static func refusedSpin(_ conditions: WaitConditions, named owner: String, report: Report?) {
    let other = conditions.interruptThreadPriority ?? WaitConditions.usualPriority
    refused(
      owner, report, "wait without sleeping at priority \(conditions.priority)", 0,
      "stay below \(other), or raise that thread: chrt -f -p PRIORITY PID",
      cause: "interrupts come through a kernel thread at priority \(other), which cannot run"
        + " while this thread spins (fact 53); this thread sleeps instead")
  }

  private static func list(_ processors: Set<Int>) -> String {
    processors.sorted().map(String.init).joined(separator: ",")
  }

  private static func refused(
    _ owner: String, _ report: Report?, _ operation: String, _ number: Int32, _ hint: String,
    cause: String = "the system refused it; the thread runs without it"
  ) {
    report?(
      .attributeRefused(
        InterruptSyncError(
          .lineFailed, object: owner, operation: operation, cause: cause, hint: hint,
          errno: number)))
  }
}
