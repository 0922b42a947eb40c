import CFloor
import InterruptSync

/// A synchronized call without contention, against the least that a lock that knows its owner takes,
/// and against lock, call and unlock with a priority-inheriting pthread mutex in C.
enum CallBenchmark {
  private static let calls: UInt64 = 5_000
  /// A call is too short to be measured over whatever else the machine does in a longer run.
  private static let rounds = Rounds(turns: 40)

  static func run(machine: Machine) throws -> [Measurement] {
    _ = placement_apply(placement(priority: 0, processor: Int32(machine.processor)))
    let object = InterruptSyncObject(source: try SoftwareLine(), mode: .normal)
    var count: UInt64 = 0
    func core() -> Double {
      Rounds.each(calls) {
        for _ in 0..<$0 { _ = unsafe object.callSynchronizedRoutine(floor_count, context: &count) }
      }
    }
    return [
      rounds.compare(
        "synchronized call, uncontended, against two compare-and-swaps and the call",
        unit: "ns/call", bar: 1.1, ours: core
      ) { Rounds.each(calls) { unsafe waiter_calls_least($0, &count) } },
      rounds.compare(
        "synchronized call, uncontended, against a PI mutex in C", unit: "ns/call", ours: core
      ) { Rounds.each(calls) { unsafe waiter_calls_uncontended($0, &count) } },
    ]
  }
}
