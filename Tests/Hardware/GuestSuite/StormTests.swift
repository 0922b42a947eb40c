// The storm brake on a device whose routine does not acknowledge: pauses, reports, resumption. The
// brake runs on the dispatcher's thread.
import InterruptSync
import UIO

enum StormTests {
  static let cases = [
    Case("T11_deviceThatIsNeverAcknowledgedIsBraked", braked),
    Case("N20_stormThatStaysMaskedResumesOnRequest", stayMasked),
    Case("N20_unclaimedInterruptsBelowTheLimitAreRearmed", belowLimit),
  ]

  private static func braked() throws {
    let reports = Reports()
    let edu = try Edu(Guest.eduA)
    edu.isAcknowledging = false
    let storm = StormPolicy(
      limit: 200, action: .backOff(first: .milliseconds(20), longest: .milliseconds(200)))
    let object = try edu.object(options: InterruptSyncOptions(storm: storm) { reports.add($0) })
    try object.connect()
    try edu.registers.write32(1, at: Edu.raise)
    try Guest.waitFor("the brake") { object.state == .storming }
    try Guest.waitFor("the report") { !reports.texts.isEmpty }
    try expect(reports.texts[0].contains("storm"), reports.texts[0])
    // Waits for five pauses: each lets one interrupt through, and the thread does nothing in between.
    let before = (object.dispatchCount, object.dispatcherCPUTime ?? 0, Clock.now)
    try Guest.waitFor("five pauses") { object.dispatchCount >= before.0 + 5 }
    let elapsed = Clock.now - before.2
    let used = UInt64((object.dispatcherCPUTime ?? 0) - before.1)
    try expect(used * 5 < elapsed, "the thread used \(used) of \(elapsed) ns")
    try expectEqual(reports.texts.count, 1, "reports of one storm")
    try object.callSynchronizedRoutine { edu.isAcknowledging = true }
    try Guest.waitFor("the end of the storm") { reports.texts.contains("interrupt storm ended") }
    try edu.chain(100, through: object)
    try Guest.waitFor("100 more") { edu.serviced >= 100 }
    try object.disconnect()
    try expectEqual(object.statistics().storms, 1, "storms")
  }

  private static func stayMasked() throws {
    let reports = Reports()
    let edu = try Edu(Guest.eduA)
    edu.isAcknowledging = false
    let options = InterruptSyncOptions(storm: StormPolicy(limit: 50, action: .stayMasked)) {
      reports.add($0)
    }
    let object = try edu.object(options: options)
    try object.connect()
    try edu.registers.write32(1, at: Edu.raise)
    try Guest.waitFor("the brake") { object.state == .storming }
    let events = try Guest.event(edu.device)
    try expectEqual(
      try object.callSynchronizedRoutine { 7 }, 7, "a synchronized call during the storm")
    try object.callSynchronizedRoutine { edu.isAcknowledging = true }
    try expectEqual(try Guest.event(edu.device), events, "events while masked")
    object.resumeAfterStorm()
    try Guest.waitFor("the held interrupt") { object.statistics().claimed >= 1 }
    try Guest.waitFor("the report") { reports.texts.contains("interrupt storm ended") }
    try object.disconnect()
  }

  private static func belowLimit() throws {
    let edu = try Edu(Guest.eduA)
    edu.isAcknowledging = false
    let object = try edu.object(options: InterruptSyncOptions(storm: .off))
    try object.connect()
    try edu.registers.write32(1, at: Edu.raise)
    try Guest.waitFor("2000 that no routine claims") { object.statistics().unclaimed >= 2000 }
    try object.callSynchronizedRoutine { edu.isAcknowledging = true }
    try Guest.waitFor("the claim") { object.statistics().claimed >= 1 }
    try object.disconnect()
    try expectEqual(object.statistics().storms, 0, "storms")
  }
}
