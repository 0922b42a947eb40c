import CFloor
import InterruptSync

/// A synchronized call that nobody else is in the way of, against lock, call and unlock with a
/// priority-inheriting pthread mutex in C.
enum CallBenchmark {
  private static let rounds = 21
  private static let turns = 40
  private static let calls: UInt64 = 5_000

  static func run(machine: Machine) throws -> Measurement {
    _ = placement_apply(placement(priority: 0, processor: Int32(machine.processor)))
    let object = InterruptSyncObject(source: try SoftwareLine(), mode: .normal)
    var results: ([Double], [Double]) = ([], [])
    for _ in 0..<rounds {
      let best = round(object)
      results.0.append(best.0)
      results.1.append(best.1)
    }
    return Measurement(
      "synchronized call, uncontended, against a PI mutex in C", ours: results.0,
      peer: results.1, unit: "ns/call", bar: 0.8)
  }

  /// Short runs in turns, the fastest of each: a call is too short to be measured over whatever else
  /// the machine does in a longer one.
  private static func round(_ object: InterruptSyncObject) -> (Double, Double) {
    var count: UInt64 = 0
    var best = (Double.infinity, Double.infinity)
    for _ in 0..<turns {
      let start = probe_now()
      for _ in 0..<calls { _ = unsafe object.callSynchronizedRoutine(floor_count, context: &count) }
      let middle = probe_now()
      unsafe waiter_calls_uncontended(calls, &count)
      let end = probe_now()
      best.0 = min(best.0, Double(middle - start) / Double(calls))
      best.1 = min(best.1, Double(end - middle) / Double(calls))
    }
    return best
  }
}
