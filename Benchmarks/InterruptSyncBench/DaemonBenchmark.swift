import CFloor
import Glibc

/// interruptsyncd from outside: until it answers, a transaction's way there and back, and its memory.
struct DaemonBenchmark {
  let program: String
  private static let rounds = 7
  private static let calls = 2_000

  func run() throws -> [Measurement] {
    _ = placement_apply(placement(priority: 0, processor: -1))
    let echo = daemon_echo()
    guard echo >= 0 else { throw BenchmarkFailure("no socket to be had") }
    defer { close(echo) }
    var (few, many, one): ([Double], [Double], [Double]) = ([], [], [])
    var (transactions, echoes): ([Double], [Double]) = ([], [])
    var (light, heavy): ([Double], [Double]) = ([], [])
    for _ in 0..<Self.rounds {
      one.append(try shell())
      var start = probe_now()
      let small = try DaemonProcess(program: program, lines: 1)
      few.append(milliseconds(since: start))
      start = probe_now()
      let large = try DaemonProcess(program: program, lines: 256)
      many.append(milliseconds(since: start))
      light.append(Double(small.resident) / 1_048_576)
      heavy.append(Double(large.resident) / 1_048_576)
      transactions.append(
        try roundTrip(
          small.connection,
          #"{"method":"io.interruptsync.Transact","parameters":{"device":"line0","operations":[]}}"#
        ))
      echoes.append(try roundTrip(echo, "{}"))
    }
    return [
      Measurement(
        "daemon: start to first answer, against a shell's", ours: few, peer: one, unit: "ms"),
      Measurement("daemon: start with 256 lines, against 1", ours: many, peer: few, unit: "ms"),
      Measurement(
        "daemon: resident memory with 256 lines, against 1", ours: heavy, peer: light, unit: "MiB"),
      Measurement(
        "daemon: transaction there and back, against an echo", ours: transactions, peer: echoes,
        unit: "µs"),
    ]
  }

  /// What starting any program takes.
  private func shell() throws -> Double {
    let start = probe_now()
    guard unsafe system(":") == 0 else { throw BenchmarkFailure("no shell to be had") }
    return milliseconds(since: start)
  }

  /// The median, in microseconds.
  private func roundTrip(_ connection: Int32, _ message: String) throws -> Double {
    var latencies = LatencyHistogram()
    for _ in 0..<Self.calls {
      let start = probe_now()
      try DaemonProcess.call(connection, message)
      latencies.add(probe_now() - start)
    }
    return latencies.percentile(0.5) / 1000
  }

  private func milliseconds(since start: UInt64) -> Double { Double(probe_now() - start) / 1e6 }
}
