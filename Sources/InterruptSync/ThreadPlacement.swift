import CUIO
import Glibc
import UIO

/// Puts a dispatcher's thread where its attributes ask for; what is refused is reported and done
/// without.
enum ThreadPlacement {
  typealias Report = (InterruptReport) -> Void

  static func apply(
    _ attributes: DispatcherAttributes, to thread: pthread_t, named owner: String, report: Report?
  ) {
    _ = unsafe cuio_thread_set_name(thread, attributes.name.isEmpty ? owner : attributes.name)
    let (policy, priority): (Int32, Int32) =
      switch attributes.policy {
      case .other: (SCHED_OTHER, 0)
      case .fifo(let priority): (SCHED_FIFO, priority)
      case .roundRobin(let priority): (SCHED_RR, priority)
      }
    if policy != SCHED_OTHER {
      let result = cuio_thread_set_policy(thread, policy, priority)
      if result != 0 {
        refused(
          owner, report, "set real-time priority \(priority)", -result,
          "systemd: LimitRTPRIO=\(priority); a shell: ulimit -r \(priority); or CAP_SYS_NICE")
      }
    }
    guard !attributes.processors.isEmpty else { return }
    var words = [UInt64](repeating: 0, count: 16)
    for processor in attributes.processors where (0..<1024).contains(processor) {
      words[processor / 64] |= 1 << UInt64(processor % 64)
    }
    let result = unsafe cuio_thread_set_affinity(thread, &words, words.count)
    if result != 0 {
      let list = attributes.processors.sorted().map(String.init).joined(separator: ",")
      refused(
        owner, report, "run on processors \(list)", -result,
        "name processors that exist and that the cgroup allows")
    }
  }

  private static func refused(
    _ owner: String, _ report: Report?, _ operation: String, _ number: Int32, _ hint: String
  ) {
    report?(
      .attributeRefused(
        InterruptSyncError(
          .lineFailed, object: owner, operation: operation,
          cause: "the system refused; the thread runs without",
          hint: hint, errno: number)))
  }
}
