import CFloor
import Glibc
import InterruptSync

/// A line that fires again as soon as it is served, and that no routine claims: the processor time
/// it takes of each second, and its effect on the latency of another line.
struct StormBenchmark {
  let machine: Machine
  let options: BenchmarkOptions

  private static let rounds = 3
  private static let pace = probe_pace(shots: 2_000, shortest: 100_000, longest: 300_000)

  func run() throws -> (rows: [Measurement], found: [Distribution]) {
    guard options.dpdk != nil else { return ([], []) }
    let benchmark = LatencyBenchmark(machine: machine, options: options, isRealtime: false)
    var found = [Distribution("InterruptSync"), Distribution("DPDK")]
    var (own, others): ([Double], [Double]) = ([], [])
    for _ in 0..<Self.rounds {
      let ours = try CoreServer(
        "InterruptSync", try Target(PROBE_EVENT), benchmark.attributes(.block))
      let storm = try Storm(machine)
      let (share, samples) = try measure(ours) { ProcessorTime.ofOtherThreads() }
      storm.end()
      own.append(share)
      found[0].add(samples)

      guard let peer = try benchmark.dpdk(try Target(PROBE_EVENT, lines: 2)) else { continue }
      guard try peer.ask("storm") == [1] else { throw BenchmarkFailure("DPDK: no storm") }
      let quiet = try measure(peer) { try peer.processorTime() }
      _ = try peer.ask("calm")
      others.append(quiet.share)
      found[1].add(quiet.samples)
    }
    let rows = [
      Measurement(
        "storm: processor time, against DPDK", ours: own, peer: others, unit: "ms/s"),
      Measurement(
        "storm: latency of another line, median, against DPDK", ours: found[0].percentiles(0.5),
        peer: found[1].percentiles(0.5), unit: "µs"),
    ]
    return (rows, found)
  }

  /// Milliseconds of processor time in each second, and the latencies of the line that is no storm.
  private func measure(_ server: any Server, _ time: () throws -> UInt64) throws
    -> (share: Double, samples: [UInt64])
  {
    machine.drive(false)
    let (start, used) = (probe_now(), try time())
    let samples = try server.target.drive(Self.pace, serving: server.name, last: true)
    let took = Double(probe_now() - start)
    return (Double(try time() - used) / took * 1000, samples)
  }
}
