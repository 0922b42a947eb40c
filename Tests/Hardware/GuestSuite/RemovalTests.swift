// Devices that go away while they interrupt, and return (facts 5, 13, 16, 21 to 23, 28, 29). Reports
// come from the dispatcher's thread.
import Glibc
import InterruptSync
import Synchronization
import UIO

/// Reads or writes a register until that is refused.
private final class Accesses {
  let count = Atomic<Int>(0)
  private(set) var error: UIOError?
  private let registers: RegisterRegion
  private let isWriting: Bool

  init(_ registers: RegisterRegion, _ isWriting: Bool) {
    self.registers = registers
    self.isWriting = isWriting
  }

  func goOn() {
    do throws(UIOError) {
      while true {
        if isWriting {
          try registers.write32(0, at: Edu.status)
        } else {
          _ = try registers.read32(at: 0)
        }
        count.add(1, ordering: .relaxed)
      }
    } catch { self.error = error }
  }
}

enum RemovalTests {
  static let cases = [
    Case("fact28_unbindUnderLoadIsReportedOnceAndReconnects") {
      try remove(
        Guest.eduA, by: { Guest.unbind(Guest.eduA) }, back: { try Guest.bind(Guest.eduA) })
    },
    Case("fact28_pciRemoveAndRescanUnderLoad") {
      try remove(
        Guest.eduB, by: { Guest.write("1", to: "\(Guest.pci(Guest.eduB))/remove") },
        back: {
          Guest.write("1", to: "/sys/bus/pci/rescan")
          try Guest.bind(Guest.eduB)
        })
    },
    Case("fact28_fixtureRemovedWhileOpenAndRegisteredAgain", fixture),
    Case("fact28_everyOperationOnARemovedDevice", afterwards),
    Case("fact28_configurationSpaceOfARemovedFunction", configuration),
    Case("fact29_accessesThatMeetARemovalAreErrorsAndNoSignals", accesses),
    Case("fact5_deviceThatReturnsIsFoundByIdentityNotByNumber", identity),
    Case("fact28_removalWhileTheBrakeHoldsTheLine", duringStorm),
  ]

  /// Three removals under load, and the device's return after each. The removal itself wakes the
  /// dispatcher, which does not look at the line on its own here: it would do so after the case's limit.
  private static func remove(_ address: String, by remove: () -> Void, back: () throws -> Void)
    throws
  {
    for round in 1...3 { try removal(address, by: remove, back: back, isFirst: round == 1) }
  }

  private static func removal(
    _ address: String, by remove: () -> Void, back: () throws -> Void, isFirst: Bool
  ) throws {
    let reports = Reports()
    let edu = try Edu(address)
    var attributes = DispatcherAttributes()
    attributes.recheck = 3_600_000
    let object = try edu.object(
      options: InterruptSyncOptions(dispatcher: attributes) { reports.add($0) })
    try object.connect()
    // The routine raises interrupts without end.
    try edu.chain(.max, through: object)
    try Guest.waitFor("the load") { object.dispatchCount >= 200 }
    let start = Clock.now
    remove()
    try Guest.waitFor("the report") { reports.removals == 1 }
    guard let reported = reports.firstTime else {
      throw Failure(description: "no report has a time")
    }
    try expect(reported >= start, "reported before the removal")
    try expectEqual(object.state, .ended, "state")
    if isFirst { try noSpinning() }
    try expectEqual(reports.all.count, 1, "reports: \(reports.texts)")
    for word in ["pci-\(address)", "removed", "stable id"] {
      try expect(reports.texts[0].contains(word), "\"\(reports.texts[0])\" lacks \(word)")
    }
    try expectUIOError(.removed, ["bar0"]) { _ = try edu.registers.read32(at: 0) }
    try expectUIOError(.removed, ["bar0"]) { try edu.registers.write32(0, at: Edu.raise) }
    try expectEqual(try object.callSynchronizedRoutine { 1 }, 1, "a synchronized call")

    try back()
    try serves500(object, on: address)
  }

  /// The object, connected to the new instance of its device, loses nothing of it.
  private static func serves500(_ object: InterruptSyncObject, on address: String) throws {
    let again = try Edu(address)
    let line = try UIOLine(again.device)
    try object.registerServiceRoutine(first: true) { again.routine() }
    let before = object.statistics()
    try object.connect(to: line)
    try again.chain(500, through: object)
    try Guest.waitFor("500 interrupts") { again.serviced >= 500 }
    try object.disconnect()
    try expectEqual(
      object.statistics().interrupts - before.interrupts, 500, "interrupts of the new instance")
  }

  /// A dead descriptor stays ready (fact 22): the process must have a second with almost no CPU time.
  /// On a loaded machine the guest's clock of a thread goes on while the machine does other things;
  /// a thread that spins has no such second at all.
  private static func noSpinning() throws {
    var used: [UInt64] = []
    repeat {
      let before = (Guest.processTime(), Clock.now)
      usleep(1_000_000)
      used.append(UInt64((Guest.processTime() - before.0) * 100 / (Clock.now - before.1)))
    } while used.last! >= 1 && used.count < 10
    try expect(used.last! < 1, "the process used \(used) % of a processor")
  }

  private static func fixture() throws {
    let reports = Reports()
    let device = try FixtureTests.custom()
    let object = InterruptSyncObject(
      source: try UIOLine(device), mode: .normal, options: InterruptSyncOptions { reports.add($0) })
    try object.registerServiceRoutine { .success }
    try object.connect()
    Guest.write("0", to: Guest.fixture(0, "registered"))
    try Guest.waitFor("the report") { reports.removals == 1 }
    try noSpinning()
    Guest.write("1", to: Guest.fixture(0, "registered"))
    try Guest.waitFor("the node") { (try? FixtureTests.custom()) != nil }
    try object.connect(to: try UIOLine(try FixtureTests.custom()))
    Guest.write("7", to: Guest.fixture(0, "raise"))
    try Guest.waitFor("7 interrupts") { object.statistics().interrupts >= 7 }
    try object.disconnect()
    try expectEqual(reports.all.count, 1, "reports: \(reports.texts)")
  }

  private static func afterwards() throws {
    let edu = try Edu(Guest.eduB)
    let line = try UIOLine(edu.device)
    let serial = try Guest.open(Guest.serial)
    let port = try serial.region(bar: 0)
    Guest.unbind(Guest.eduB)
    Guest.unbind(Guest.serial)
    defer {
      try? Guest.bind(Guest.eduB)
      try? Guest.bind(Guest.serial)
    }
    // The function remains, and only its driver has gone: that ends this device.
    try expect(!edu.device.isAlive, "alive")
    let object = InterruptSyncObject(source: line, mode: .normal)
    try object.registerServiceRoutine { .unsuccessful }
    try expectSyncError(.removed) { try object.connect() }
    try expectUIOError(.removed, ["EIO"]) { _ = try UIOLine(edu.device) }
    try expectUIOError(.removed, ["map0", "EINVAL"]) { _ = try edu.device.region(map: 0) }
    try expect(!serial.isAlive, "alive")
    try expectUIOError(.removed, ["bar0"]) { _ = try port.read8(at: 2) }
    try expectUIOError(.notFound, ["pci-\(Guest.eduB)"]) { _ = try Guest.open(Guest.eduB) }
  }

  private static func configuration() throws {
    let edu = try Edu(Guest.eduB)
    let line = try UIOLine(edu.device)
    Guest.write("1", to: "\(Guest.pci(Guest.eduB))/remove")
    try expectUIOError(.removed, ["PCI configuration space", "ENODEV"]) {
      try line.setBusMaster(true)
    }
    Guest.write("1", to: "/sys/bus/pci/rescan")
    try Guest.bind(Guest.eduB)
    let again = try UIOLine(try Guest.open(Guest.eduB))
    try again.setBusMaster(true)
    try again.setBusMaster(false)
  }

  /// For up to 10 ms nobody has noticed that the registers have gone, and their memory answers with
  /// bus errors.
  private static func accesses() throws {
    for isWriting in [false, true] {
      let accesses = Accesses(try Edu(Guest.eduB).registers, isWriting)
      let thread = Caller { accesses.goOn() }
      try Guest.waitFor("the first accesses") { accesses.count.load(ordering: .relaxed) > 1000 }
      Guest.write("1", to: "\(Guest.pci(Guest.eduB))/remove")
      thread.join()
      try expectEqual(accesses.error?.code, .removed, "the access's error")
      Guest.write("1", to: "/sys/bus/pci/rescan")
      try Guest.bind(Guest.eduB)
    }
  }

  private static func identity() throws {
    let before = (try Guest.open(Guest.eduA).info, try Guest.open(Guest.eduB).info)
    Guest.unbind(Guest.eduA)
    Guest.unbind(Guest.eduB)
    // In the opposite order: the numbers swap, the identities do not.
    try Guest.bind(Guest.eduB)
    try Guest.bind(Guest.eduA)
    let after = (try Guest.open(Guest.eduA).info, try Guest.open(Guest.eduB).info)
    try expectEqual(after.0.number, before.1.number, "number that A has now")
    try expectEqual(after.1.number, before.0.number, "number that B has now")
    try expectEqual(after.0.stableID, "pci-\(Guest.eduA)", "identity of A")
    try expectEqual(after.0.pci?.address.description, Guest.eduA, "address of A")
  }

  private static func duringStorm() throws {
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
    Guest.unbind(Guest.eduA)
    try Guest.waitFor("the report") { reports.removals == 1 }
    try noSpinning()
    try object.disconnect()
    try Guest.bind(Guest.eduA)
    try Edu(Guest.eduA).registers.write32(.max, at: Edu.acknowledge)
  }
}
