// A line held masked by a routine, for service elsewhere (N17's exception).
import Glibc
import Testing

@testable import InterruptSync

private final class Held: @unchecked Sendable {
  let device = FakeDevice()
  let log = ReportLog()
  private(set) var object: InterruptSyncObject!

  init(storm: StormPolicy = .off, status: NTStatus = .success) throws {
    object = InterruptSyncObject(
      source: device, mode: .normal,
      options: InterruptSyncOptions(storm: storm, report: log.handler))
    try object.registerServiceRoutine { [unowned self] in
      object.deferLine()
      return status
    }
    try object.connect()
    #expect(try device.nextWrite() == 1)
  }

  func interrupt() throws {
    let before = object.dispatchCount
    device.interrupt()
    try eventually("the dispatch") { object.dispatchCount > before }
    // The lock is free only once the re-arm has been done or left.
    try object.callSynchronizedRoutine {}
  }
}

@Test func hold_theLineStaysMaskedUntilReleased() throws {
  let held = try Held()
  for _ in 0..<3 {
    try held.interrupt()
    #expect(held.device.writes() == [])
    #expect(try held.object.releaseLine())
    #expect(held.device.writes() == [1])
  }
  #expect(try !held.object.releaseLine())
  #expect(held.device.writes() == [])
}

@Test func hold_aDisconnectMasksAndAReleaseAfterItDoesNotUnmask() throws {
  let held = try Held()
  try held.interrupt()
  try held.object.disconnect()
  #expect(held.device.writes() == [0])
  _ = try held.object.releaseLine()
  #expect(held.device.writes() == [])
}

@Test func hold_connectStartsUnheld() throws {
  let held = try Held()
  try held.interrupt()
  try held.object.disconnect()
  _ = held.device.writes()
  try held.object.connect()
  #expect(try held.device.nextWrite() == 1)
  #expect(try !held.object.releaseLine())
}

@Test func hold_theStormBrakeOutlastsTheRelease() throws {
  let held = try Held(
    storm: StormPolicy(limit: 1, action: .stayMasked), status: .unsuccessful)
  try held.interrupt()
  try eventually("the brake") { held.object.state == .storming }
  #expect(try held.object.releaseLine())
  #expect(held.device.writes() == [])
}

@Test func hold_fromOutsideOfARoutineDoesNothing() throws {
  let held = try Held()
  held.object.deferLine()
  #expect(try !held.object.releaseLine())
}

@Test func hold_aReleaseInsideARoutineIsRefused() throws {
  let held = try Held()
  _ = try held.object.callSynchronizedRoutine {
    #expect(throws: InterruptSyncError.self) { _ = try held.object.releaseLine() }
  }
}

@Test func hold_aLineThatCannotBeReleasedSaysWhy() throws {
  let held = try Held()
  try held.interrupt()
  held.device.refuseRearms()
  #expect { try held.object.releaseLine() } throws: {
    ($0 as? InterruptSyncError)?.operation == InterruptLineOperation.rearm.rawValue
  }
}

@Test func hold_aReleaseThatFailsCanBeTriedAgain() throws {
  let held = try Held()
  try held.interrupt()
  held.device.refuseRearms()
  #expect(failure { try held.object.releaseLine() }?.errorNumber == EAGAIN)
  #expect(held.object.isLineDeferred)
  _ = held.device.writes()
  #expect(try held.object.releaseLine())
  #expect(held.device.writes() == [1])
}

@Test func hold_aReleaseMeantForAnEarlierConnectionLeavesTheNewOneAlone() throws {
  let held = try Held()
  try held.interrupt()
  // Found by a release that was then kept from the lock.
  let earlier = try #require(held.object.storage.server?.connection)
  try held.object.disconnect()
  let next = FakeDevice()
  try held.object.connect(to: next)
  #expect(try next.nextWrite() == 1)
  let before = held.object.dispatchCount
  next.interrupt()
  try held.object.awaitDispatches(before + 1)
  _ = held.device.writes()
  #expect(try !held.object.storage.release(earlier))
  #expect(held.device.writes() == [] && next.writes() == [])
  #expect(held.object.isLineDeferred)
  #expect(try held.object.releaseLine())
  #expect(next.writes() == [1])
  #expect(try !held.object.storage.release(earlier))
  try held.object.disconnect()
}

@Test(arguments: [false, true])
func hold_aHeldLineReportsNoRecoveryThatWasNotTried(_ grouped: Bool) throws {
  let device = FakeDevice()
  let log = ReportLog()
  let holds = Flag()
  let holder = Holder<InterruptSyncObject>()
  let object = InterruptSyncObject(
    source: device, mode: .normal,
    options: InterruptSyncOptions(
      storm: .off, group: grouped ? try DispatcherGroup() : nil, report: log.handler))
  holder.value = object
  defer { holder.value = nil }
  try object.registerServiceRoutine {
    if holds.isUp { holder.value?.deferLine() }
    return .success
  }
  try object.connect()
  #expect(try device.nextWrite() == 1)
  device.refuseRearms()
  device.interrupt()
  try log.await(["rearmFailed"])
  holds.raise()
  let before = object.dispatchCount
  device.interrupt()
  try object.awaitDispatches(before + 1)
  let failures = object.statistics().rearmFailures
  _ = device.writes()
  // As the thread does once it has been quiet for long enough; nothing is tried, nothing is said.
  let beat = object.storage.server!.beat
  try eventually("the thread to look again") { object.storage.server!.beat > beat + 3 }
  #expect(device.writes() == [] && log.kinds == ["rearmFailed"])
  #expect(object.statistics().rearmFailures == failures)
  #expect(try object.releaseLine())
  #expect(try device.nextWrite() == 1)
  try log.await(["rearmFailed", "rearmRecovered"])
  // Not re-armed once more for the report.
  #expect(device.writes() == [])
  try object.disconnect()
}

@Test(arguments: [false, true])
func hold_aHeldLineReportsNoEndOfAStorm(_ grouped: Bool) throws {
  let device = FakeDevice()
  let log = ReportLog()
  let holder = Holder<InterruptSyncObject>()
  let object = InterruptSyncObject(
    source: device, mode: .normal,
    options: InterruptSyncOptions(
      storm: StormPolicy(limit: 1, action: .stayMasked),
      group: grouped ? try DispatcherGroup() : nil, report: log.handler))
  holder.value = object
  defer { holder.value = nil }
  try object.registerServiceRoutine {
    holder.value?.deferLine()
    return .unsuccessful
  }
  try object.connect()
  #expect(try device.nextWrite() == 1)
  device.interrupt()
  try log.await(["stormBegan"])
  object.resumeAfterStorm()
  try eventually("the brake's end") { object.state == .connected }
  let beat = object.storage.server!.beat
  try eventually("two more looks") { object.storage.server!.beat > beat + 2 }
  #expect(log.kinds == ["stormBegan"])
  #expect(try object.releaseLine())
  #expect(try device.nextWrite() == 1)
  try log.await(["stormBegan", "stormEnded"])
  try object.disconnect()
}
