// The storm brake on a device whose routine does not acknowledge: pauses, reports, resumption. The
// brake runs on the dispatcher's thread.
import Glibc
import InterruptSync
import UIO

enum StormTests {
  static let cases = [
    Case("T11_deviceThatIsNeverAcknowledgedIsBraked", braked),
    Case("N20_stormThatStaysMaskedResumesOnRequest", stayMasked),
    Case("N20_unclaimedInterruptsBelowTheLimitAreRearmed", belowLimit),
    Case("N20_aDeviceThatIsClaimedAndNeverAcknowledgedIsBraked", claimed),
    Case("N20_aFastDeviceThatIsAcknowledgedIsNeverBraked", fast),
    Case("N20_aChainThatIsAcknowledgedIsNeverBraked", chained),
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

  private static func object(
    of edu: Edu, _ waiting: WaitStrategy, _ reports: Reports
  ) throws -> InterruptSyncObject {
    InterruptSyncObject(
      source: try UIOLine(edu.device), mode: .normal,
      options: InterruptSyncOptions(dispatcher: DispatcherAttributes(waiting: waiting)) {
        reports.add($0)
      })
  }

  /// A routine claims, and the device asserts its line on.
  private static func claimed() throws {
    for waiting in [WaitStrategy.automatic, .block] {
      let reports = Reports()
      let edu = try Edu(Guest.eduA)
      let object = try object(of: edu, waiting, reports)
      edu.isAcknowledging = false
      try object.registerServiceRoutine {
        edu.isAcknowledging ? edu.routine() : .success
      }
      try object.connect()
      let start = Clock.now
      try edu.registers.write32(1, at: Edu.raise)
      // How soon depends on when the thread that watches gets a processor.
      try Guest.waitFor("the brake", seconds: 60) { object.state == .storming }
      let took = (Clock.now - start) / 1_000_000
      say("braked after \(took) ms, \(object.dispatchCount) dispatches, \(waiting)")
      // Until the pauses are at their longest, half of the time is probation.
      try Guest.waitFor("pauses of a second", seconds: 30) { isLong(object) }
      let before = (object.dispatcherCPUTime ?? 0, Clock.now)
      let count = object.dispatchCount
      try Guest.waitFor("two pauses") { Clock.now > before.1 + 2_500_000_000 }
      let used = UInt64((object.dispatcherCPUTime ?? 0) - before.0)
      let elapsed = Clock.now - before.1
      say("then \(used * 100 / elapsed) %, \(object.dispatchCount - count) dispatches")
      try expect(used * 4 < elapsed, "the thread used \(used) of \(elapsed) ns")
      // Of a guest that is slow at first the rate alone shows no storm: the cost is reported before it.
      let costs = reports.texts.filter { $0.contains("nothing shows whether the routines silence") }
      let storms = reports.texts.filter { $0.contains("routines claim") }
      try expectEqual(storms.count, 1, "reports of one storm: \(reports.texts)")
      try expect(
        costs.count <= 1 && costs.count + storms.count == reports.texts.count,
        "reports of one storm: \(reports.texts)")
      try object.callSynchronizedRoutine { edu.isAcknowledging = true }
      try Guest.waitFor("the end of the storm") { reports.texts.contains("interrupt storm ended") }
      try edu.registers.raise(1...100)
      try object.disconnect()
      try expectEqual(object.statistics().storms, 1, "storms")
      try expectEqual(object.statistics().claimedStorms, 1, "claimed storms")
    }
  }

  /// Whether the line has been masked for half a second on end.
  private static func isLong(_ object: InterruptSyncObject) -> Bool {
    let (count, start) = (object.dispatchCount, Clock.now)
    while object.dispatchCount == count {
      if Clock.now > start + 500_000_000 { return true }
      usleep(1000)
    }
    return false
  }

  /// 5,000 interrupts, each as soon as the one before has been acknowledged, and then with pauses.
  private static func fast() throws {
    for waiting in [WaitStrategy.automatic, .block] {
      for pause in [0, 50] as [UInt32] {
        let reports = Reports()
        let edu = try Edu(Guest.eduA)
        let object = try object(of: edu, waiting, reports)
        try object.registerServiceRoutine { edu.routine() }
        try object.connect()
        let start = Clock.now
        for value in 1...5000 as ClosedRange<UInt32> {
          try edu.registers.write32(value, at: Edu.raise)
          while try edu.registers.read32(at: Edu.status) != 0 {}
          if pause > 0 { usleep(pause) }
        }
        say("5000 in \((Clock.now - start) / 1_000_000) ms, pause \(pause), \(waiting)")
        try object.disconnect()
        try expectEqual(reports.texts, [], "reports")
        try expectEqual(object.statistics().storms, 0, "storms")
        try expectEqual(edu.serviced, 5000, "serviced")
      }
    }
  }

  /// Each interrupt is raised by the routine of the one before, so that the line is asserted whenever
  /// that has run; at once, or before what else the routine does.
  private static func chained() throws {
    for waiting in [WaitStrategy.automatic, .block] {
      for work in [0, 200_000] as [UInt64] {
        let reports = Reports()
        let edu = try Edu(Guest.eduA)
        let object = try object(of: edu, waiting, reports)
        try object.registerServiceRoutine {
          let status = edu.routine()
          let end = Clock.now + work
          while Clock.now < end {}
          return status
        }
        try object.connect()
        let start = Clock.now
        try edu.chain(.max, through: object)
        // Ten times as long, and as many, as a device that is not acknowledged lasts.
        try Guest.waitFor("5000 interrupts in 3 s or more", seconds: 120) {
          Clock.now > start + 3_000_000_000 && object.dispatchCount > 5000
        }
        try object.callSynchronizedRoutine { edu.remaining = 0 }
        try Guest.waitFor("the end of the chain") { try edu.registers.read32(at: Edu.status) == 0 }
        try object.disconnect()
        say("\(edu.serviced) interrupts, \(work) ns of work each, \(waiting)")
        try expectEqual(reports.texts, [], "reports")
        try expectEqual(object.statistics().storms, 0, "storms")
      }
    }
  }
}
