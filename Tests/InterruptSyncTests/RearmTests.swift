// N17, U4: the line is re-armed after every dispatch, and what happens when it cannot be.
import Glibc
import Testing

@testable import InterruptSync

private func object(
  on device: FakeDevice, _ log: ReportLog, storm: StormPolicy = .off,
  _ routine: @escaping @Sendable () -> NTStatus
) throws -> InterruptSyncObject {
  let object = InterruptSyncObject(
    source: device, mode: .normal,
    options: InterruptSyncOptions(storm: storm, report: log.handler))
  try object.registerServiceRoutine(routine)
  return object
}

@Test func N10_connectUnmasksAndDisconnectMasks() throws {
  let device = FakeDevice()
  let object = try object(on: device, ReportLog()) { .success }
  for _ in 0..<3 {
    try object.connect()
    try object.disconnect()
    #expect(device.writes() == [1, 0])
  }
}

@Test func N17_unclaimedInterruptsAreRearmedToo() throws {
  let device = FakeDevice()
  let turn = Journal<Int>()
  let object = try object(on: device, ReportLog()) {
    turn.entries.append(0)
    return turn.entries.count % 2 == 0 ? .success : .unsuccessful
  }
  try object.connect()
  #expect(try device.nextWrite() == 1)
  for _ in 0..<6 {
    device.interrupt()
    #expect(try device.nextWrite() == 1)
  }
  try object.disconnect()
  #expect(object.statistics().claimed == 3 && object.statistics().unclaimed == 3)
  #expect(device.writes() == [0])
}

@Test func N17_theRearmComesUnderTheLockAfterTheRoutines() throws {
  let device = FakeDevice()
  let seenInside = Journal<[Int32]>()
  let object = try object(on: device, ReportLog()) {
    seenInside.entries.append(device.writes())
    return .success
  }
  try object.connect()
  #expect(try device.nextWrite() == 1)
  device.interrupt()
  #expect(try device.nextWrite() == 1)
  try object.disconnect()
  #expect(seenInside.entries == [[]])
}

@Test func aFailedRearmIsReportedOnceRetriedAndRecovers() throws {
  let device = FakeDevice()
  let log = ReportLog()
  let object = try object(on: device, log) { .success }
  try object.connect()
  #expect(try device.nextWrite() == 1)
  device.refuseRearms()
  device.interrupt()
  try log.await(["rearmFailed"])
  #expect(log.all.first?.error?.errorNumber == EAGAIN)
  #expect(log.all.first?.error?.code == .lineFailed)
  // At least two more tries, of which nothing is said.
  try eventually("retries") { object.statistics().rearmFailures >= 3 }
  #expect(log.kinds == ["rearmFailed"])
  #expect(object.state == .connected)
  #expect(try device.nextWrite() == 1)
  try log.await(["rearmFailed", "rearmRecovered"])
  device.interrupt()
  #expect(try device.nextWrite() == 1)
  try object.disconnect()
  #expect(log.kinds == ["rearmFailed", "rearmRecovered"])
  #expect(object.statistics().dispatches == 2)
}

@Test func anInterruptWhoseRearmWorksEndsTheTroubleToo() throws {
  let device = FakeDevice()
  let log = ReportLog()
  let object = try object(on: device, log) { .success }
  try object.connect()
  #expect(try device.nextWrite() == 1)
  device.refuseRearms()
  device.interrupt()
  try log.await(["rearmFailed"])
  // Somebody else unmasked it, and it interrupts; the queue is free again.
  _ = device.writes()
  device.interrupt()
  try log.await(["rearmFailed", "rearmRecovered"])
  try object.disconnect()
}

@Test func disconnectWhileTheRearmFails() throws {
  let device = FakeDevice()
  let log = ReportLog()
  let object = try object(on: device, log) { .success }
  try object.connect()
  #expect(try device.nextWrite() == 1)
  device.refuseRearms()
  device.interrupt()
  try log.await(["rearmFailed"])
  try object.disconnect()
  #expect(object.state == .disconnected)
  _ = device.writes()
  try object.connect()
  #expect(try device.nextWrite() == 1)
  device.interrupt()
  #expect(try device.nextWrite() == 1)
  try object.disconnect()
  #expect(log.kinds == ["rearmFailed"])
}

@Test func connectFailsWhenTheLineCannotBeUnmasked() throws {
  let device = FakeDevice()
  let object = try object(on: device, ReportLog()) { .success }
  device.refuseRearms()
  let error = failure { try object.connect() }
  #expect(error?.code == .lineFailed)
  #expect(error?.errorNumber == EAGAIN)
  #expect(error?.status == .unsuccessful)
  #expect(object.state == .disconnected)
  _ = device.writes()
  try object.connect()
  #expect(try device.nextWrite() == 1)
}

@Test func aDeviceThatGoesAwayInsideARoutineIsRemovedNotBroken() throws {
  let device = FakeDevice()
  let log = ReportLog()
  let object = try object(on: device, log) {
    device.unplug()
    return .success
  }
  try object.connect()
  device.interrupt()
  try log.await(["removed"])
  #expect(object.state == .ended)
  #expect(log.kinds == ["removed"])
  #expect(object.statistics().rearmFailures == 1)
}

@Test func aRearmThatFailsJustWhenAStormEndsIsRetried() throws {
  let device = FakeDevice()
  let log = ReportLog()
  let claims = Flag()
  let object = try object(
    on: device, log, storm: StormPolicy(limit: 2, action: .stayMasked)
  ) { claims.isUp ? .success : .unsuccessful }
  try object.connect()
  #expect(try device.nextWrite() == 1)
  device.interrupt()
  #expect(try device.nextWrite() == 1)
  device.interrupt()
  try log.await(["stormBegan"])
  object.resumeAfterStorm()
  #expect(try device.nextWrite() == 1)
  claims.raise()
  device.refuseRearms()
  device.interrupt()
  try log.await(["stormBegan", "stormEnded", "rearmFailed"])
  #expect(log.kinds == ["stormBegan", "stormEnded", "rearmFailed"])
  #expect(try device.nextWrite() == 1)
  try log.await(["stormBegan", "stormEnded", "rearmFailed", "rearmRecovered"])
  device.interrupt()
  #expect(try device.nextWrite() == 1)
}

@Test func aRearmThatFailsAfterTheBrakeIsRetried() throws {
  let device = FakeDevice()
  let log = ReportLog()
  let object = try object(
    on: device, log, storm: StormPolicy(limit: 1, action: .stayMasked)
  ) { .unsuccessful }
  try object.connect()
  #expect(try device.nextWrite() == 1)
  device.interrupt()
  try log.await(["stormBegan"])
  device.refuseRearms()
  object.resumeAfterStorm()
  try log.await(["stormBegan", "rearmFailed"])
  #expect(try device.nextWrite() == 1)
  try log.await(["stormBegan", "rearmFailed", "rearmRecovered"])
  #expect(object.state == .connected)
}

/// A storm whose brake releases at once, and a re-arm that fails then.
private func stormWithFailedRearm(
  _ device: FakeDevice, _ log: ReportLog, _ group: DispatcherGroup?, _ claims: Flag
) throws -> InterruptSyncObject {
  let object = InterruptSyncObject(
    source: device, mode: .normal,
    options: InterruptSyncOptions(
      storm: StormPolicy(limit: 1, action: .stayMasked), group: group, report: log.handler))
  try object.registerServiceRoutine { claims.isUp ? .success : .unsuccessful }
  try object.connect()
  #expect(try device.nextWrite() == 1)
  device.interrupt()
  try log.await(["stormBegan"])
  device.refuseRearms()
  object.resumeAfterStorm()
  try log.await(["stormBegan", "rearmFailed"])
  return object
}

@Test(arguments: [false, true])
func N20_aStormIsOverAlsoWhenTheRearmAfterItFailedFirst(_ grouped: Bool) throws {
  let device = FakeDevice()
  let log = ReportLog()
  let object = try stormWithFailedRearm(
    device, log, grouped ? try DispatcherGroup() : nil, Flag())
  #expect(try device.nextWrite() == 1)
  // Each has its end: first the line is re-armed, and then it is found quiet.
  try log.await(["stormBegan", "rearmFailed", "rearmRecovered", "stormEnded"])
  try object.disconnect()
  #expect(log.kinds == ["stormBegan", "rearmFailed", "rearmRecovered", "stormEnded"])
}

@Test(arguments: [false, true])
func N20_aClaimEndsAStormAlsoWhenTheRearmAfterItFailedFirst(_ grouped: Bool) throws {
  let device = FakeDevice()
  let log = ReportLog()
  let claims = Flag()
  let object = try stormWithFailedRearm(
    device, log, grouped ? try DispatcherGroup() : nil, claims)
  claims.raise()
  _ = device.writes()
  // Somebody else unmasked it: one dispatch ends both.
  device.interrupt()
  try eventually("both ends") { Set(log.kinds).isSuperset(of: ["rearmRecovered", "stormEnded"]) }
  try object.disconnect()
  #expect(log.kinds.count == 4)
}

@Test(arguments: [false, true])
func aRearmThatFailedIsReportedRecoveredAlsoAfterAStorm(_ grouped: Bool) throws {
  let device = FakeDevice()
  let log = ReportLog()
  let object = InterruptSyncObject(
    source: device, mode: .normal,
    options: InterruptSyncOptions(
      storm: StormPolicy(limit: 2, action: .stayMasked),
      group: grouped ? try DispatcherGroup() : nil, report: log.handler))
  try object.registerServiceRoutine { .unsuccessful }
  try object.connect()
  #expect(try device.nextWrite() == 1)
  device.refuseRearms()
  device.interrupt()
  try log.await(["rearmFailed"])
  device.interrupt()
  try log.await(["rearmFailed", "stormBegan"])
  _ = device.writes()
  object.resumeAfterStorm()
  try log.await(["rearmFailed", "stormBegan", "rearmRecovered", "stormEnded"])
  try object.disconnect()
  #expect(log.kinds == ["rearmFailed", "stormBegan", "rearmRecovered", "stormEnded"])
}
