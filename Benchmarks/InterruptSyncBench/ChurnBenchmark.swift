import CFloor
import Glibc
import InterruptSync

/// Registering and unregistering a second routine at 50,000 interrupts a second: how long
/// unregistering takes, and whether the routine is called after it.
enum ChurnBenchmark {
  private static let times = 2_000
  private static let rounds = 5

  static func run(machine: Machine, options: BenchmarkOptions) throws -> [Measurement] {
    guard options.dpdk != nil else { return [] }
    let benchmark = LatencyBenchmark(machine: machine, options: options, isRealtime: false)
    let ours = try CoreServer(
      "InterruptSync", try Target(PROBE_EVENT), benchmark.attributes(.block))
    guard let peer = try benchmark.dpdk(try Target(PROBE_EVENT)) else {
      throw BenchmarkFailure("no DPDK to measure beside")
    }
    _ = placement_apply(placement(priority: 0, processor: -1))
    var (own, others): ([Double], [Double]) = ([], [])
    var late: UInt64 = 0
    for _ in 0..<rounds {
      let (sum, after) = try underLoad(ours.target, machine) { try churn(ours.objects[0]) }
      own.append(Double(sum) / Double(times))
      late += after
      let answer = try underLoad(peer.target, machine) { try peer.ask("churn \(times)") }
      guard answer.count == 3 else { throw BenchmarkFailure("DPDK: registering failed") }
      others.append(Double(answer[1]) / Double(times))
    }
    return [
      Measurement(
        "unregister at 50,000 interrupts/s, mean, against DPDK", ours: own, peer: others,
        unit: "ns"),
      Measurement(
        "routines called after unregistering returned", count: late, wanted: 0, unit: "calls"),
    ]
  }

  private static func underLoad<R>(_ target: Target, _ machine: Machine, _ body: () throws -> R)
    throws -> R
  {
    guard
      let load = unsafe load_signals(
        target.lines, 20_000, placement(priority: 0, processor: Int32(machine.driver)))
    else { throw BenchmarkFailure("cannot create the signalling thread") }
    defer { unsafe load_stop(load) }
    return try body()
  }

  /// The nanoseconds of all unregistrations, and the calls that came after one.
  private static func churn(_ object: InterruptSyncObject) throws -> (UInt64, UInt64) {
    let calls = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
    unsafe calls.initialize(to: 0)
    defer { unsafe calls.deallocate() }
    var (sum, late): (UInt64, UInt64) = (0, 0)
    for _ in 0..<times {
      let registration = unsafe try object.registerServiceRoutine(floor_count, context: calls)
      let start = probe_now()
      registration.cancel()
      let end = probe_now()
      let seen = unsafe calls.pointee
      while probe_now() < end + 20_000 {}
      late += unsafe calls.pointee - seen
      sum += end - start
    }
    return (sum, late)
  }
}
