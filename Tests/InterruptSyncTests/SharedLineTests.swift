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

/// Two members of a device's line that stays asserted; neither is active.
@Test(arguments: [false, true])
func W11_aLineWhoseMembersAreAllInactiveIsMaskedAtOnceAndArmedAtOnce(_ grouped: Bool) throws {
  let device = FakeDevice()
  let log = ReportLog()
  let shared = SharedLine(
    device,
    options: InterruptSyncOptions(
      group: grouped ? try DispatcherGroup() : nil, report: log.handler))
  let isActive = Flag()
  let members = try (0..<2).map { _ in
    let object = InterruptSyncObject(source: device, mode: .normal)
    try object.registerServiceRoutine { isActive.isUp ? .success : .unsuccessful }
    try shared.connect(object)
    return object
  }
  #expect(try device.nextWrite() == 1)
  for turn in 1...20 as ClosedRange<UInt64> {
    for object in members { shared.setActive(object, false) }
    device.interrupt()
    // Serviced by nobody, once, and not armed again.
    try eventually("the dispatch") { members[1].dispatchCount == 2 * turn - 1 }
    isActive.raise()
    // Inside its lock, as a driver may.
    try members[0].callSynchronizedRoutine { shared.setActive(members[0], true) }
    #expect(try device.nextWrite() == 1)
    device.interrupt()
    try eventually("the dispatch") { members[1].dispatchCount == 2 * turn }
    #expect(try device.nextWrite() == 1)
    isActive.lower()
  }
  #expect(log.kinds.isEmpty && members[0].statistics().storms == 0)
  for object in members { try shared.disconnect(object) }
}

@Test func W11_aNewMemberArmsALineThatNobodyServiced() throws {
  let device = FakeDevice()
  let shared = SharedLine(device)
  let idle = InterruptSyncObject(source: device, mode: .normal)
  let new = InterruptSyncObject(source: device, mode: .normal)
  try idle.registerServiceRoutine { .unsuccessful }
  try new.registerServiceRoutine { .success }
  try shared.connect(idle)
  #expect(try device.nextWrite() == 1)
  shared.setActive(idle, false)
  device.interrupt()
  try eventually("the dispatch") { idle.dispatchCount == 1 }
  try shared.connect(new)
  #expect(try device.nextWrite() == 1)
  device.interrupt()
  try new.awaitDispatches(1)
  try shared.disconnect(new)
  try shared.disconnect(idle)
}
