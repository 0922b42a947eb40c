// Calls that wait for the interrupt lock only so long.
import Glibc
import Testing

@testable import InterruptSync

private func connected(
  _ line: SoftwareLine, lock: InterruptLock? = nil, group: DispatcherGroup? = nil,
  _ body: @escaping @Sendable () -> Void = {}
) throws -> InterruptSyncObject {
  let object = InterruptSyncObject(
    source: line, mode: .normal, lock: lock, options: InterruptSyncOptions(group: group))
  try object.registerServiceRoutine {
    body()
    return .success
  }
  try object.connect()
  return object
}

@Test func boundedCall_runsLikeAnyOtherWhileTheLockIsFree() throws {
  let object = try connected(SoftwareLine())
  #expect(try object.callSynchronizedRoutine(within: .zero) { InterruptLevel.current } == .device)
  #expect(object.statistics().synchronizedCalls == 1)
  #expect(InterruptLevel.current == .passive)
  #expect(object.isResponsive(within: .zero))
}

@Test func boundedCall_isBusyWhileARoutineHangs() throws {
  let line = try SoftwareLine(name: "hung")
  let gate = Gate()
  let object = try connected(line) { gate.wait() }
  line.trigger()
  try eventually("the routine") { gate.isEntered }
  let error = failure {
    try object.callSynchronizedRoutine(within: .milliseconds(5)) {}
  }
  #expect(error?.code == .busy)
  #expect(error?.description.contains("routine has held the interrupt lock") == true)
  #expect(object.statistics().synchronizedCalls == 0)
  #expect(!object.isResponsive(within: .milliseconds(5)))
  gate.open()
  try eventually("the routine's end") { object.isResponsive(within: .seconds(1)) }
  #expect(try object.callSynchronizedRoutine(within: .seconds(60)) { 7 } == 7)
}

@Test func boundedCall_N4_isRefusedInsideARoutine() throws {
  let object = try connected(SoftwareLine())
  let code = try object.callSynchronizedRoutine {
    failure { try object.callSynchronizedRoutine(within: .seconds(60)) {} }?.code
  }
  #expect(code == .wouldDeadlock)
}

@Test func anObjectOfTheSameLockOrGroupIsNotResponsiveWhileARoutineHangs() throws {
  for shares in ["lock", "group"] {
    let line = try SoftwareLine()
    let gate = Gate()
    let lock = shares == "lock" ? InterruptLock() : nil
    let group = shares == "group" ? try DispatcherGroup(name: "group") : nil
    let hung = try connected(line, lock: lock, group: group) { gate.wait() }
    let mate = try connected(SoftwareLine(), lock: lock, group: group)
    let other = try connected(SoftwareLine())
    line.trigger()
    try eventually("the routine") { gate.isEntered }
    #expect(!mate.isResponsive(within: .milliseconds(5)), "the same \(shares)")
    #expect(other.isResponsive(within: .seconds(60)))
    gate.open()
    try eventually("the routine's end") { mate.isResponsive(within: .seconds(1)) }
    withExtendedLifetime(hung) {}
  }
}
