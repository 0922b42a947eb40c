import CFloor
import InterruptSync

/// A million signals as fast as they can be made: nanoseconds a signal until the last was served.
/// Who is told of fewer than were sent fails.
enum BurstBenchmark {
  private static let rounds = 5
  private static let shots: UInt64 = 1_000_000

  static func run(machine: Machine, options: BenchmarkOptions) throws -> [Measurement] {
    guard options.dpdk != nil else { return [] }
    return try [(PROBE_EVENT, "eventfd"), (PROBE_TOTALS, "pipe")].map {
      try measure($0.0, $0.1, machine, options)
    }
  }

  private static func measure(
    _ kind: probe_kind, _ descriptor: String, _ machine: Machine, _ options: BenchmarkOptions
  ) throws -> Measurement {
    let benchmark = LatencyBenchmark(machine: machine, options: options, isRealtime: false)
    let ours = try CoreServer(
      "InterruptSync", try Target(kind), benchmark.attributes(.automatic))
    guard let peer = try benchmark.dpdk(try Target(kind)) else {
      throw BenchmarkFailure("no DPDK to measure beside")
    }
    machine.drive(false)
    var results: ([Double], [Double]) = ([], [])
    for round in 0..<rounds {
      if round % 2 == 0 { results.0.append(try ours.target.burst(shots, serving: ours.name)) }
      results.1.append(try peer.target.burst(shots, serving: peer.name))
      if round % 2 != 0 { results.0.append(try ours.target.burst(shots, serving: ours.name)) }
    }
    let sent = UInt64(rounds) * shots
    guard ours.counted == sent else {
      throw BenchmarkFailure(
        "of \(sent) signals on a \(descriptor) \(ours.counted ?? 0) were counted")
    }
    return Measurement(
      "burst of 10^6 signals, \(descriptor), all counted, against DPDK", ours: results.0,
      peer: results.1, unit: "ns/signal", bar: 1)
  }
}
