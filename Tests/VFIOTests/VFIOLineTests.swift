// Objects on lines of a VFIO device: vectors, the kick, the brake, INTx (V15 to V28).
import CUIO
import Glibc
import InterruptSync
import LinuxSystem
import TestSupport
import Testing

@testable import VFIO

/// A routine's calls, and whether it claims.
private func object(
  _ line: VFIOLine, calls: Counts = Counts(), claims: Flag = Flag(isUp: true),
  storm: StormPolicy = .standard, group: DispatcherGroup? = nil,
  report: (@Sendable (InterruptReport) -> Void)? = nil
) throws -> InterruptSyncObject {
  let options = InterruptSyncOptions(storm: storm, group: group, report: report)
  let object = InterruptSyncObject(source: line, mode: .normal, options: options)
  try object.registerServiceRoutine {
    calls.add()
    return claims.isUp ? .success : .unsuccessful
  }
  return object
}

@Test(arguments: [false, true])
func V18_anObjectIsDispatchedOnceAfterConnectAndCountsNothingForIt(_ inGroup: Bool) throws {
  let fake = try FakeVFIO()
  let calls = Counts()
  let group = inGroup ? try DispatcherGroup() : nil
  let object = try object(try VFIOLine(try fake.open(), vector: 2), calls: calls, group: group)
  for round in 1...3 {
    try object.connect()
    try eventually("the first dispatch") { object.dispatchCount == round * 2 - 1 }
    #expect(object.statistics().interrupts == UInt64(round - 1))
    #expect(fake.interrupt(2))
    try eventually("the interrupt") { object.dispatchCount == round * 2 }
    #expect(object.statistics().interrupts == UInt64(round))
    try object.disconnect()
    #expect(!fake.interrupt(2))
  }
  #expect(calls.value == 6)
}

@Test func V24_theWholeRangeIsEnabledOnceWithHoles() throws {
  let fake = try FakeVFIO()
  let device = try fake.open()
  let first = try object(try VFIOLine(device, vector: 3))
  let second = try object(try VFIOLine(device, vector: 0))
  try first.connect()
  try second.connect()
  try first.disconnect()
  try first.connect()
  #expect(fake.log == ["enable 4", "give 3", "give 0", "take 3", "give 3"])
  try first.disconnect()
  try second.disconnect()
}

@Test func V20_connectingMessagesTurnsBusMasteringOn() throws {
  let fake = try FakeVFIO { $0.counts = [0: 1, 2: 4] }
  let messages = try object(try VFIOLine(try fake.open()))
  #expect(fake.configuration(at: 4) == 2)
  try messages.connect()
  #expect(fake.configuration(at: 4) == 6)
  try messages.disconnect()
}

@Test func vectorsOfOneLineBelongToOneObject() throws {
  let device = try FakeVFIO().open()
  let line = try VFIOLine(device, vector: 1)
  let first = try object(line)
  try first.connect()
  for other in [line, try VFIOLine(device, vector: 1)] {
    let second = try object(other)
    do throws(InterruptSyncError) {
      try second.connect()
      Issue.record("connected twice")
    } catch {
      #expect(error.code == .lineBusy && error.object == "pci-0000:01:00.0 msix1")
    }
  }
  try first.disconnect()
  let again = try object(try VFIOLine(device, vector: 1))
  try again.connect()
  try again.disconnect()
  #expect(throws: UIOError.self) { try VFIOLine(device, vector: 4) }
  #expect(throws: UIOError.self) { try VFIOLine(device, vector: -1) }
}

@Test func V29_aVectorThatCannotBeArmedFailsTheConnect() throws {
  let fake = try FakeVFIO { $0.arming = -ENOSPC }
  let object = try object(try VFIOLine(try fake.open()))
  do throws(InterruptSyncError) {
    try object.connect()
    Issue.record("it was armed")
  } catch {
    #expect(error.code == .resourcesExhausted && error.errno?.rawValue == ENOSPC)
  }
  fake.state.withLock { $0.arming = 0 }
  try object.connect()
  try object.disconnect()
}

@Test func V15_intxIsMaskedUntilConnectAndUnmaskedByOneWriteADispatch() throws {
  let fake = try FakeVFIO { $0.counts = [0: 1] }
  let calls = Counts()
  let object = try object(try VFIOLine(try fake.open()), calls: calls)
  try object.connect()
  try eventually("the first unmask") { fake.consumeUnmask() }
  #expect(fake.log == ["give 0", "mask"])
  for round in 1...50 {
    #expect(fake.interrupt())
    // Automasked: a second one does not come.
    #expect(!fake.interrupt())
    try eventually("unmask \(round)") { fake.consumeUnmask() }
    #expect(!fake.consumeUnmask())
  }
  #expect(object.statistics().interrupts == 50 && calls.value == 51)
  try object.disconnect()
  #expect(fake.log == ["give 0", "mask", "disable"])
}

/// Interrupts, one after the other, until the brake holds the line.
private func storm(_ fake: FakeVFIO, _ object: InterruptSyncObject) throws {
  try eventually("the dispatch after connect") { object.dispatchCount == 1 }
  #expect(object.state == .connected)
  while object.state != .storming {
    let before = object.dispatchCount
    #expect(fake.interrupt())
    try eventually("a dispatch") { object.dispatchCount == before + 1 }
    try eventually("the brake or the unmask") {
      !fake.isLevel || object.state == .storming || fake.consumeUnmask()
    }
    if object.dispatchCount == 3 { try eventually("the brake") { object.state == .storming } }
  }
}

@Test func V25_aBrakedINTxIsJustNotUnmasked() throws {
  let fake = try FakeVFIO { $0.counts = [0: 1] }
  let claims = Flag(isUp: false)
  let object = try object(
    try VFIOLine(try fake.open()), claims: claims,
    storm: StormPolicy(limit: 2, action: .stayMasked))
  try object.connect()
  try eventually("the first unmask") { fake.consumeUnmask() }
  try storm(fake, object)
  #expect(!fake.consumeUnmask())
  claims.isUp = true
  object.resumeAfterStorm()
  try eventually("the unmask") { fake.consumeUnmask() }
  try object.disconnect()
  #expect(fake.log == ["give 0", "mask", "disable"])
}

@Test(arguments: [VFIOInterrupt.msi, .msix], [false, true])
func V25_aBrakedVectorIsTakenAwayAndGivenBack(_ kind: VFIOInterrupt, _ inGroup: Bool) throws {
  let fake = try FakeVFIO { $0.counts = [1: 1, 2: 4] }
  let claims = Flag(isUp: false)
  let group = inGroup ? try DispatcherGroup() : nil
  let object = try object(
    try VFIOLine(try fake.open(kind)), claims: claims,
    storm: StormPolicy(limit: 2, action: .stayMasked), group: group)
  try object.connect()
  try storm(fake, object)
  let before = object.statistics()
  try eventually("the vector's end") { fake.log.last == "take 0" }
  #expect(!fake.interrupt())
  #expect(fake.log.suffix(2) == ["give 0", "take 0"])
  object.resumeAfterStorm()
  try eventually("the vector") { fake.log.last == "give 0" }
  // Only MSI loses what came meanwhile: the kick lets the routine look. It brakes no line again.
  let kicks: UInt64 = kind == .msi ? 1 : 0
  try eventually("the kick") { object.dispatchCount == before.dispatches + kicks }
  try eventually("the end of the brake") { object.state == .connected }
  claims.isUp = true
  #expect(fake.interrupt())
  try eventually("the interrupt") { object.statistics().claimed == 1 }
  #expect(object.statistics().interrupts == before.interrupts + 1)
  #expect(object.statistics().storms == 1)
  try object.disconnect()
}

@Test func V25_aVectorThatDoesNotComeBackIsAskedForAgain() throws {
  let fake = try FakeVFIO()
  let claims = Flag(isUp: false)
  let object = try object(
    try VFIOLine(try fake.open()), claims: claims,
    storm: StormPolicy(limit: 2, action: .stayMasked))
  try object.connect()
  try storm(fake, object)
  try eventually("the vector's end") { fake.log.last == "take 0" }
  fake.state.withLock { $0.arming = -ENOMEM }
  object.resumeAfterStorm()
  try eventually("the refusal") { fake.log.last == "refuse 0" }
  #expect(object.state == .storming)
  fake.state.withLock { $0.arming = 0 }
  try eventually("the vector") { fake.log.last == "give 0" }
  try object.disconnect()
}

@Test func V27_theSelfTestIsOneInterrupt() throws {
  let fake = try FakeVFIO()
  let line = try VFIOLine(try fake.open(), vector: 1)
  do throws(UIOError) {
    try line.selfTest()
    Issue.record("a vector that is not armed was triggered")
  } catch { #expect(error.code == .noInterrupt && error.errno?.rawValue == EINVAL) }
  let object = try object(line)
  try object.connect()
  try line.selfTest()
  try eventually("the interrupt") { object.statistics().interrupts == 1 }
  try object.disconnect()
}

@Test func V27_theSelfTestOfAVectorThatIsNotConnectedIsRefusedBesideOneThatIs() throws {
  let fake = try FakeVFIO()
  let device = try fake.open()
  let other = try object(try VFIOLine(device, vector: 0))
  try other.connect()
  let line = try VFIOLine(device, vector: 1)
  #expect { try line.selfTest() } throws: { ($0 as? UIOError)?.code == .noInterrupt }
  try other.disconnect()
}

@Test func V12_theActionsNameLeadsToTheInterruptsNumber() throws {
  let fake = try FakeVFIO { $0.counts = [0: 1, 1: 1, 2: 4] }
  let names = try [VFIOInterrupt.intx, .msi, .msix].map { kind in
    try VFIOLine(try fake.open(kind)).actionName
  }
  #expect(
    names == [
      "vfio-intx(0000:01:00.0)", "vfio-msi[0](0000:01:00.0)", "vfio-msix[0](0000:01:00.0)",
    ])
  try fake.folder.folder("proc/irq/77/vfio-msix[2](0000:01:00.0)")
  let line = try VFIOLine(try fake.open(), vector: 2)
  #expect(line.interruptNumber(Procfs(root: fake.folder.path("proc"))) == 77)
}
