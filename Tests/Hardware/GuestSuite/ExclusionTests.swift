// Mutual exclusion on real interrupts: synchronized routines and deferred routines beside the
// dispatcher. Callers run on threads of their own.
import InterruptSync
import UIO

enum ExclusionTests {
  static let cases = [
    Case("P30_aPlainCounterStaysExactBesideRealInterrupts", plainCounter),
    Case("D1_deferredRoutinesOfARealInterruptAllRun", deferred),
  ]

  /// Four threads and a routine add to one plain variable, in `make soak` a million times in total.
  private static func plainCounter() throws {
    let edu = try Edu(Guest.eduA)
    let object = try edu.object()
    let perCaller = repetitions(245_000, short: 50_000)
    let interrupts = repetitions(20_000, short: 5_000)
    try object.connect()
    try edu.chain(interrupts, through: object)
    let callers = (0..<4).map { _ in
      Caller {
        for _ in 0..<perCaller { _ = try? object.callSynchronizedRoutine { edu.plain += 1 } }
      }
    }
    for caller in callers { caller.join() }
    try Guest.waitFor("\(interrupts) interrupts", seconds: 120) {
      object.dispatchCount >= interrupts
    }
    try object.disconnect()
    try expectEqual(Int(edu.serviced), interrupts, "serviced")
    try expectEqual(edu.plain, 4 * perCaller + interrupts, "the plain counter")
    try expectEqual(Int(object.statistics().interrupts), interrupts, "interrupts")
  }

  private static func deferred() throws {
    let edu = try Edu(Guest.eduA)
    let queue = try DeferredQueue(name: "edu-dpc")
    let object = InterruptSyncObject(source: try UIOLine(edu.device), mode: .normal)
    let counts = DeferredCounts()
    let routine = DeferredRoutine(on: queue) {
      counts.levels.insert(InterruptLevel.current)
      counts.ran += 1
    }
    try object.registerServiceRoutine {
      let status = edu.routine()
      if status == .success { counts.accepted += routine.enqueue() ? 1 : 0 }
      return status
    }
    try object.connect()
    try edu.chain(5000, through: object)
    try Guest.waitFor("5000 interrupts", seconds: 60) { object.dispatchCount >= 5000 }
    try object.disconnect()
    try queue.flush()
    try expect(counts.accepted > 0, "no deferred routine was accepted")
    try expectEqual(counts.ran, counts.accepted, "deferred routines run, of those accepted")
    try expectEqual(counts.levels, [.dispatch], "levels")
  }
}

private final class DeferredCounts: @unchecked Sendable {
  /// Belongs to the service routine.
  var accepted = 0
  /// Belongs to the deferred routine.
  var ran = 0
  var levels: Set<InterruptLevel> = []
}
