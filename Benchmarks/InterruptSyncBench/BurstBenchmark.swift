import CFloor
import InterruptSync

/// A million signals as fast as they can be made: nanoseconds a signal until the last was served,
/// the dispatches for them, and whether all were counted.
enum BurstBenchmark {
  private static let rounds = 5
  private static let shots: UInt64 = 1_000_000

  static func run(machine: Machine, options: BenchmarkOptions) throws -> [Measurement] {
    guard options.dpdk != nil else { return [] }
    return try [(PROBE_EVENT, "eventfd"), (PROBE_TOTALS, "pipe")].flatMap {
      try measure($0.0, $0.1, machine, options)
    }
  }

  private static func measure(
    _ kind: probe_kind, _ descriptor: String, _ machine: Machine, _ options: BenchmarkOptions
  ) throws -> [Measurement] {
    let benchmark = LatencyBenchmark(machine: machine, options: options, isRealtime: false)
    let ours = try CoreServer(
      "InterruptSync", try Target(kind), benchmark.attributes(.automatic))
    guard let peer = try benchmark.dpdk(try Target(kind)) else {
      throw BenchmarkFailure("no DPDK to measure beside")
    }
    machine.drive(false)
    var (own, others) = (Bursts(), Bursts())
    for round in 0..<rounds {
      if round % 2 == 0 { try own.add(ours, shots) }
      try others.add(peer, shots)
      if round % 2 != 0 { try own.add(ours, shots) }
    }
    return [
      Measurement(
        "burst of 10^6 signals, \(descriptor), against DPDK", ours: own.times,
        peer: others.times, unit: "ns/signal", bar: 1),
      Measurement(
        "dispatches of a burst, \(descriptor), against DPDK", ours: own.dispatches,
        peer: others.dispatches, unit: "dispatches"),
      Measurement(
        "signals counted in all bursts, \(descriptor)", count: ours.counted ?? 0,
        wanted: UInt64(rounds) * shots, unit: "signals"),
    ]
  }

  /// What the bursts of one server took.
  private struct Bursts {
    /// Nanoseconds a signal.
    var times: [Double] = []
    var dispatches: [Double] = []

    mutating func add(_ server: any Server, _ shots: UInt64) throws {
      let before = server.target.calls()
      times.append(try server.target.burst(shots, serving: server.name))
      dispatches.append(Double(server.target.calls() - before))
    }
  }
}
