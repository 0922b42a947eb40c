import CFloor
import Glibc
import InterruptSync
import Synchronization

/// The other end of a pipe is closed, as when a device is pulled: how soon that is reported, and the
/// processor time that the line takes of each second from then on.
enum RemovalBenchmark {
  private static let rounds = 5
  private static let window: useconds_t = 200_000

  private final class Notice: Sendable { let time = Atomic<UInt64>(0) }

  static func run(machine: Machine, options: BenchmarkOptions) throws -> [Measurement] {
    guard options.dpdk != nil else { return [] }
    let benchmark = LatencyBenchmark(machine: machine, options: options, isRealtime: false)
    machine.drive(false)
    var (own, others, delays): ([Double], [Double], [Double]) = ([], [], [])
    for _ in 0..<rounds {
      let (delay, share) = try ours(benchmark)
      delays.append(delay)
      own.append(share)
      guard let peer = try benchmark.dpdk(try Target(PROBE_TOTALS)) else { continue }
      peer.target.hangUp()
      let before = try peer.processorTime()
      usleep(window)
      others.append(milliseconds(try peer.processorTime() - before))
    }
    return [
      Measurement(
        "removal: processor time afterwards, against DPDK", ours: own, peer: others, unit: "ms/s"),
      Measurement(
        "removal: time to the report, against 1 ms", ours: delays,
        peer: delays.map { _ in 1000 }, unit: "µs"),
    ]
  }

  private static func ours(_ benchmark: LatencyBenchmark) throws -> (Double, Double) {
    let target = try Target(PROBE_TOTALS)
    let notice = Notice()
    let object = InterruptSyncObject(
      source: try FileDescriptorLine(target.descriptor(0), format: .totals), mode: .normal,
      options: InterruptSyncOptions(dispatcher: benchmark.attributes(.block)) {
        if case .removed = $0 { notice.time.store(probe_now(), ordering: .releasing) }
      })
    unsafe try object.registerServiceRoutine(
      probe_stamp, context: target.context(line: 0, routine: 0))
    try object.connect()
    defer { try? object.disconnect() }
    usleep(2000)
    let start = probe_now()
    target.hangUp()
    let before = ProcessorTime.ofOtherThreads()
    usleep(window)
    let used = ProcessorTime.ofOtherThreads() &- before
    let told = notice.time.load(ordering: .acquiring)
    guard told != 0 else { throw BenchmarkFailure("removal: nothing was reported in 200 ms") }
    return (Double(told - start) / 1000, milliseconds(used))
  }

  /// Of each second.
  private static func milliseconds(_ nanoseconds: UInt64) -> Double {
    Double(nanoseconds) / Double(window)
  }
}
