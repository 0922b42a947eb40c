import CFloor
import InterruptSync

/// A synchronized call without contention, against lock, call and unlock with a
/// priority-inheriting pthread mutex in C.
enum CallBenchmark {
  private static let rounds = 21
  private static let turns = 40
  private static let calls: UInt64 = 5_000

  static func run(machine: Machine) throws -> [Measurement] {
    _ = placement_apply(placement(priority: 0, processor: Int32(machine.processor)))
    let object = InterruptSyncObject(source: try SoftwareLine(), mode: .normal)
    var (ours, least, peer): ([Double], [Double], [Double]) = ([], [], [])
    for _ in 0..<rounds {
      let best = round(object)
      ours.append(best.ours)
      least.append(best.least)
      peer.append(best.peer)
    }
    return [
      Measurement(
        "synchronized call, uncontended, against a PI mutex in C", ours: ours, peer: peer,
        unit: "ns/call", bar: 0.8),
      Measurement(
        "two compare-and-swaps and the call alone, against a PI mutex in C", ours: least,
        peer: peer, unit: "ns/call"),
    ]
  }

  /// Short runs in turns, the fastest of each: a call is too short to be measured over whatever else
  /// the machine does in a longer one.
  private static func round(_ object: InterruptSyncObject) -> (
    ours: Double, least: Double, peer: Double
  ) {
    var count: UInt64 = 0
    var best = (ours: Double.infinity, least: Double.infinity, peer: Double.infinity)
    for _ in 0..<turns {
      let start = probe_now()
      for _ in 0..<calls { _ = unsafe object.callSynchronizedRoutine(floor_count, context: &count) }
      let first = probe_now()
      unsafe waiter_calls_least(calls, &count)
      let second = probe_now()
      unsafe waiter_calls_uncontended(calls, &count)
      let end = probe_now()
      best.ours = min(best.ours, Double(first - start) / Double(calls))
      best.least = min(best.least, Double(second - first) / Double(calls))
      best.peer = min(best.peer, Double(end - second) / Double(calls))
    }
    return best
  }
}
