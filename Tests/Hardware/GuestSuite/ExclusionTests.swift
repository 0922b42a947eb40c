import CUIO
import Glibc
import InterruptSync
import UIO

enum ExclusionTests {
  static let cases = [
    Case("P30_aPlainCounterStaysExactBesideRealInterrupts", plainCounter),
    Case("D1_deferredRoutinesOfARealInterruptAllRun", deferred),
  ]

  /// Four threads and a routine add to one plain variable, a million times in all.
  private static func plainCounter() throws {
    let edu = try Edu(Guest.eduA)
    let object = try edu.object()
    let perCaller = 245_000
    try object.connect()
    try edu.chain(20_000, through: object)
    let callers = (0..<4).map { _ in
      Caller {
        for _ in 0..<perCaller { _ = try? object.callSynchronizedRoutine { edu.plain += 1 } }
      }
    }
    for caller in callers { caller.join() }
    try Guest.waitFor("20000 interrupts", seconds: 120) { object.dispatchCount >= 20_000 }
    try object.disconnect()
    try expectEqual(edu.serviced, 20_000, "serviced")
    try expectEqual(edu.plain, 4 * perCaller + 20_000, "the plain counter")
    try expectEqual(object.statistics().interrupts, 20_000, "interrupts")
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
  /// The service routine's.
  var accepted = 0
  /// The deferred routine's.
  var ran = 0
  var levels: Set<InterruptLevel> = []
}

/// A thread that runs a closure.
final class Caller: @unchecked Sendable {
  private var thread = pthread_t()
  private let body: () -> Void

  init(_ body: @escaping () -> Void) {
    self.body = body
    let context = Unmanaged.passRetained(self).toOpaque()
    let result = cuio_thread_create(&thread, 0, Caller.entry, context)
    precondition(result == 0, "no thread to be had")
  }

  func join() { _ = cuio_thread_join(thread) }

  private static let entry: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? =
    { context in
      if let context = context { Unmanaged<Caller>.fromOpaque(context).takeRetainedValue().body() }
      return nil
    }
}
