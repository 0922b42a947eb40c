// A line held masked by a routine, for service elsewhere (N17's exception).
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
