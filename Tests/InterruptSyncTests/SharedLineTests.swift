import Glibc
@testable import InterruptSync
import Testing

/// Waits for what another thread does; ends by itself only if it never does.
private func until(_ condition: () -> Bool) { while !condition() { _ = sched_yield() } }

@Suite struct SharedLineTests {
  let line: SoftwareLine
  let shared: SharedLine

  init() throws {
    line = try SoftwareLine()
    shared = SharedLine(line)
  }

  private func member(_ status: NTStatus, lock: InterruptLock? = nil) throws -> InterruptSyncObject
  {
    let object = InterruptSyncObject(source: line, mode: .normal, lock: lock)
    try object.registerServiceRoutine { status }
    return object
  }

  @Test func N21_everyMemberSeesEachInterrupt() throws {
    let a = try member(.success), b = try member(.unsuccessful)
    try shared.connect(a)
    try shared.connect(b)
    line.trigger()
    until { a.dispatchCount == 1 && b.dispatchCount == 1 }
    try shared.disconnect(a)
    line.trigger()
    until { b.dispatchCount == 2 }
    #expect(a.dispatchCount == 1 && a.statistics().claimed == 1 && b.statistics().unclaimed == 2)
    try shared.disconnect(b)
  }

  @Test func aWatcherOfAMemberIsToldOfItsDispatches() async throws {
    let a = try member(.success), b = try member(.unsuccessful)
    var ofA = try a.interrupts().makeAsyncIterator(), ofB = try b.interrupts().makeAsyncIterator()
    try shared.connect(a)
    try shared.connect(b)
    for total in 1...100 as ClosedRange<UInt64> {
      line.trigger()
      let first = try #require(await ofA.next()), second = try #require(await ofB.next())
      #expect(first.count == 1 && first.total == total && first.isClaimed)
      #expect(second.count == 1 && second.total == total && !second.isClaimed)
    }
    try shared.disconnect(a)
    try shared.disconnect(b)
  }

  @Test func N9_aMemberConnectsOnce() throws {
    let a = try member(.success)
    try shared.connect(a)
    let error = #expect(throws: InterruptSyncError.self) { try shared.connect(a) }
    #expect(error?.code == .alreadyConnected && shared.isConnected(a))
    try shared.disconnect(a)
    try shared.disconnect(a)
    #expect(!shared.isConnected(a))
  }

  @Test func N13_membersComeAndGo() throws {
    let a = try member(.success)
    for round in 1...200 {
      try shared.connect(a)
      line.trigger()
      until { a.dispatchCount == UInt64(round) }
      try shared.disconnect(a)
    }
  }

  @Test func N4_disconnectInsideARoutineIsRefused() throws {
    let object = InterruptSyncObject(source: line, mode: .normal)
    let shared = shared
    nonisolated(unsafe) var code: InterruptSyncError.Code?
    try object.registerServiceRoutine { [unowned object] in
      do throws(InterruptSyncError) { try shared.disconnect(object) } catch { code = error.code }
      return .success
    }
    try shared.connect(object)
    line.trigger()
    until { object.dispatchCount == 1 }
    try shared.disconnect(object)
    #expect(code == .wouldDeadlock)
  }

  @Test func K25_acquireAndReleaseExcludeTheRoutines() throws {
    let a = try member(.success)
    try shared.connect(a)
    let level = try a.acquireInterruptLock()
    #expect(InterruptLevel.current == .device)
    line.trigger()
    let error = #expect(throws: InterruptSyncError.self) { try a.acquireInterruptLock() }
    #expect(error?.code == .wouldDeadlock && a.dispatchCount == 0)
    let isReleased = a.releaseInterruptLock(restoring: level)
    #expect(isReleased && InterruptLevel.current == .passive)
    until { a.dispatchCount == 1 }
    let isReleasedTwice = a.releaseInterruptLock(restoring: level)
    #expect(!isReleasedTwice)
    try shared.disconnect(a)
  }
}
