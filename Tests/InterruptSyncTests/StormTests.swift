// T11, N20: a line that nobody claims is stopped, reported once, and let go again.
import CUIO
import Testing
import TestSupport

@testable import InterruptSync

/// An object whose only routine claims when it is told to.
private struct Storming {
  let device = FakeDevice()
  let log = ReportLog()
  let claims = Flag()
  let object: InterruptSyncObject
  let registration: ServiceRoutineRegistration

  init(_ policy: StormPolicy) throws {
    object = InterruptSyncObject(
      source: device, mode: .normal,
      options: InterruptSyncOptions(storm: policy, report: log.handler))
    registration = try object.registerServiceRoutine { [claims] in
      claims.isUp ? .success : .unsuccessful
    }
    try object.connect()
    try expectRearm()
  }

  /// The device's view: it was unmasked.
  func expectRearm() throws { #expect(try device.nextWrite() == 1) }

  /// Interrupts that are served and re-armed.
  func serve(_ count: Int) throws {
    for _ in 0..<count {
      device.interrupt()
      try expectRearm()
    }
  }
}

@Test func N20_theLimitMasksTheLineAndReportsOnce() throws {
  let storming = try Storming(StormPolicy(limit: 10, action: .stayMasked))
  try storming.serve(9)
  #expect(storming.object.state == .connected)
  storming.device.interrupt()
  try storming.log.await(["stormBegan"])
  #expect(storming.object.state == .storming)
  // A driver that goes on without having been re-armed: not looked at.
  storming.device.interrupt()
  storming.device.interrupt()
  #expect(storming.object.statistics().storms == 1)
  try storming.object.disconnect()
  #expect(storming.registration.statistics.calls == 10)
  #expect(storming.device.writes() == [0])
  #expect(storming.log.kinds == ["stormBegan"])
  if case .stormBegan(let unclaimed)? = storming.log.all.first { #expect(unclaimed == 10) }
}

@Test func N20_aClaimStartsTheCountAnew() throws {
  let storming = try Storming(StormPolicy(limit: 4, action: .stayMasked))
  for _ in 0..<5 {
    try storming.serve(3)
    storming.claims.raise()
    try storming.serve(1)
    storming.claims.lower()
  }
  #expect(storming.object.state == .connected)
  #expect(storming.log.kinds == [])
}

@Test func N20_aPauseStartsTheCountAnew() throws {
  let storming = try Storming(StormPolicy(limit: 4, action: .stayMasked))
  let core = storming.object.storage.core
  func age(by ticks: UInt64) throws {
    try storming.object.callSynchronizedRoutine {
      core.value.lastUnclaimed = core.value.lastUnclaimed &- ticks
    }
  }
  for _ in 0..<5 {
    try storming.serve(3)
    // As if the last one had been 100 ms and a bit ago.
    try age(by: core.value.stormWindow + 1)
  }
  #expect(storming.object.state == .connected)
  try storming.serve(3)
  storming.device.interrupt()
  try storming.log.await(["stormBegan"])
}

@Test func N20_limitZeroNeverBrakes() throws {
  let storming = try Storming(.off)
  try storming.serve(repetitions(3000))
  #expect(storming.object.state == .connected)
  #expect(storming.object.statistics().storms == 0)
  #expect(storming.log.kinds == [])
}

@Test func N20_resumeRearmsWhatStayedMasked() throws {
  let storming = try Storming(StormPolicy(limit: 3, action: .stayMasked))
  try storming.serve(2)
  storming.device.interrupt()
  try storming.log.await(["stormBegan"])
  storming.object.resumeAfterStorm()
  try storming.expectRearm()
  // One more that nobody claims, and it is masked again: the same storm, not reported anew.
  storming.device.interrupt()
  try eventually("the brake") { storming.object.state == .storming }
  #expect(storming.log.kinds == ["stormBegan"])
  storming.object.resumeAfterStorm()
  try storming.expectRearm()
  storming.claims.raise()
  try storming.serve(1)
  try storming.log.await(["stormBegan", "stormEnded"])
  #expect(storming.object.state == .connected)
  #expect(storming.object.statistics().storms == 1)
}

@Test func N20_resumeWithoutAStormIsNotKeptForTheNextOne() throws {
  let line = try SoftwareLine()
  let thread = Counter()
  let log = ReportLog()
  let object = InterruptSyncObject(
    source: line, mode: .normal,
    options: InterruptSyncOptions(
      storm: StormPolicy(limit: 1, action: .stayMasked), report: log.handler))
  try object.registerServiceRoutine {
    thread.set(Int(currentThread()))
    return .unsuccessful
  }
  try object.connect()
  object.resumeAfterStorm()
  line.trigger()
  try log.await(["stormBegan"])
  line.trigger()
  // The dispatcher comes to rest, braked; the second interrupt was not looked at.
  try awaitSleep(of: UInt32(thread.value))
  #expect(object.state == .storming)
  try object.disconnect()
  #expect(object.statistics().dispatches == 1)
}

@Test func N20_aQuietLineEndsTheStorm() throws {
  let storming = try Storming(
    StormPolicy(limit: 3, action: .backOff(first: .milliseconds(1), longest: .milliseconds(1))))
  try storming.serve(2)
  storming.device.interrupt()
  try storming.log.await(["stormBegan"])
  // The brake lets go by itself, and nothing comes.
  try storming.expectRearm()
  try storming.log.await(["stormBegan", "stormEnded"])
  #expect(storming.object.state == .connected)
  // The next storm counts from one.
  try storming.serve(2)
  storming.device.interrupt()
  try storming.log.await(["stormBegan", "stormEnded", "stormBegan"])
  #expect(storming.object.statistics().storms == 2)
}

@Test func N20_aClaimEndsTheStorm() throws {
  let storming = try Storming(
    StormPolicy(limit: 3, action: .backOff(first: .milliseconds(1), longest: .milliseconds(1000))))
  try storming.serve(2)
  storming.device.interrupt()
  try storming.log.await(["stormBegan"])
  storming.claims.raise()
  try storming.expectRearm()
  try storming.serve(1)
  try storming.log.await(["stormBegan", "stormEnded"])
}

/// Milliseconds between the first ten dispatches of a line that is never quiet.
private func gapsOfAStorm(_ log: ReportLog) throws -> [UInt64] {
  let line = try SoftwareLine()
  let times = Journal<UInt64>()
  let enough = Signal()
  let object = InterruptSyncObject(
    source: line, mode: .normal,
    options: InterruptSyncOptions(
      storm: StormPolicy(
        limit: 5, action: .backOff(first: .milliseconds(10), longest: .milliseconds(40))),
      report: log.handler))
  try object.registerServiceRoutine {
    times.entries.append(linux_nanoseconds())
    if times.entries.count == 10 { enough.raise() } else { line.trigger() }
    return .unsuccessful
  }
  try object.connect()
  line.trigger()
  try enough.wait("ten dispatches of a storming line")
  try object.disconnect()
  #expect(object.statistics().dispatches == 10)
  return zip(times.entries, times.entries.dropFirst()).map { ($1 - $0) / 1_000_000 }
}

@Test func N20_thePausesDoubleAndBoundTheDispatches() throws {
  for _ in 0..<20 {
    let log = ReportLog()
    let gaps = try gapsOfAStorm(log)
    // A thread that was kept from running for 100 ms has by rule begun to count anew: not this time.
    if gaps.contains(where: { $0 >= 100 }) { continue }
    // The fifth was the limit; a pause is never shorter than its due.
    for (gap, due) in zip(gaps.dropFirst(4), [10, 20, 40, 40, 40] as [UInt64]) {
      #expect(gap >= due, "\(gaps)")
    }
    #expect(log.kinds == ["stormBegan"])
    return
  }
  Issue.record("the machine let no thread run for 100 ms on end")
}

@Test func N20_aReconnectLetsGo() throws {
  let storming = try Storming(StormPolicy(limit: 2, action: .stayMasked))
  try storming.serve(1)
  storming.device.interrupt()
  try storming.log.await(["stormBegan"])
  try storming.object.disconnect()
  #expect(storming.object.state == .disconnected)
  #expect(storming.device.writes() == [0])
  try storming.object.connect()
  #expect(storming.object.state == .connected)
  try storming.expectRearm()
  try storming.serve(1)
  storming.device.interrupt()
  try storming.log.await(["stormBegan", "stormBegan"])
}

@Test func N20_removalEndsAStorm() throws {
  let storming = try Storming(StormPolicy(limit: 2, action: .stayMasked))
  try storming.serve(1)
  storming.device.interrupt()
  try storming.log.await(["stormBegan"])
  storming.device.unplug()
  try storming.log.await(["stormBegan", "removed"])
  #expect(storming.object.state == .ended)
}

@Test func N20_anyPauseIsAccepted() throws {
  let storming = try Storming(
    StormPolicy(
      limit: 2, action: .backOff(first: .seconds(Int64.max), longest: .seconds(Int64.max))))
  try storming.serve(1)
  storming.device.interrupt()
  try storming.log.await(["stormBegan"])
  storming.object.resumeAfterStorm()
  try storming.expectRearm()
}

@Test func N20_policiesHaveTheDocumentedDefaults() {
  #expect(StormPolicy.standard.limit == 1000)
  #expect(
    StormPolicy.standard.action == .backOff(first: .milliseconds(10), longest: .milliseconds(1000)))
  #expect(StormPolicy.off.limit == 0)
}
