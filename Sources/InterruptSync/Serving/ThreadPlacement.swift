// Room Serving: what the attributes of a thread ask of the system. DispatcherThread, GroupThread,
// GroupMember, DeferredQueue and AsyncWorker call it when they start: on the thread that connects,
// or makes the group, queue or executor, at PASSIVE_LEVEL without an interrupt lock. Nothing here
// fails: a refusal is reported, and the thread runs without.
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

  /// - Parameter later: receives what happens to the processors from then on.
  /// - Returns: what keeps the processors that were asked for; nil without any.
  static func apply(
    _ attributes: DispatcherAttributes, to thread: WorkerThread, named owner: String,
    report: Report?, later: KeptAffinity.Report? = nil
  ) -> KeptAffinity? {
    schedule(attributes, thread.handle, named: owner, report: report)
    guard !attributes.processors.isEmpty else { return nil }
    let result = thread.setProcessors(attributes.processors)
    if result != 0 {
      refused(
        owner, report, "run on processors \(ProcessorList.text(attributes.processors))", -result,
        ThreadAffinity.hint)
    }
    return KeptAffinity(
      ThreadAffinity(thread, attributes.name.isEmpty ? owner : attributes.name),
      of: owner, asked: attributes.processors, isRefused: result != 0, report: later)
  }

  private static func schedule(
    _ attributes: DispatcherAttributes, _ thread: pthread_t, named owner: String, report: Report?
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
  }

  /// The system would not let the thread leave its creator's policy, such as SCHED_IDLE.
  private static func isExtraordinary(_ thread: pthread_t) -> Bool {
    var (policy, priority): (Int32, Int32) = (0, 0)
    return unsafe linux_thread_get_policy(thread, &policy, &priority) == 0 && policy != SCHED_OTHER
  }

  /// Has the line's interrupt served where its attributes ask for. Parameters and result as above.
  static func route(
    _ attributes: DispatcherAttributes, _ source: any InterruptSource, named owner: String,
    procfs: Procfs = .system, report: Report?, later: KeptAffinity.Report? = nil
  ) -> KeptAffinity? {
    let wanted = attributes.interruptProcessors
    guard !wanted.isEmpty else { return nil }
    let operation = "route the interrupt to processors \(ProcessorList.text(wanted))"
    guard let number = source.interruptNumber else {
      refused(
        owner, report, operation, 0, "set the affinity only for hardware lines",
        cause: "the line's interrupt number is unknown")
      return nil
    }
    let affinity = InterruptAffinity(number: number, procfs: procfs)
    let result = affinity.set(wanted)
    if result != 0 { refused(owner, report, operation, -result, affinity.hint) }
    return KeptAffinity(
      affinity, of: owner, asked: wanted, isRefused: result != 0, report: later)
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
