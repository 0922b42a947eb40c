// What no real device does, with the rig's own UIO module: counts that wrap, drivers that refuse, lines
// without irqcontrol. `Reports` collects from the dispatcher's thread, under a monitor.
import Glibc
import InterruptSync
import LinuxSystem
import UIO

enum FixtureTests {
  static let cases = [
    Case("fact8_countWrapsThroughIntMax", { try wrap(from: Int32.max - 3) }),
    Case("fact8_countWrapsThroughMinusOne", { try wrap(from: -4) }),
    Case("fact10_burstsCoalesceAndAreCounted", burst),
    Case("fact17_lineWithoutIrqcontrolNeedsNone", withoutIrqcontrol),
    Case("fact18_driverErrorIsReportedOnceAndRetried", driverError),
    Case("fact18_positiveAnswerOfTheDriverIsAnError", positiveAnswer),
    Case("N11_lastWriteToIrqcontrolMasks", maskIsLast),
    Case("fact35_offsetIsAppliedAndUsableLengthEnforced", offsetMap),
    Case("fact37_mapsAndPortsAreRead", description),
    Case("fact16_strategyIsProbedForAnUnknownDriver", probing),
  ]

  static func custom() throws -> UIODevice { try UIODevice(UIODeviceID("fixture-custom")) }

  private static func raise(_ count: Int, _ device: Int = 0) {
    Guest.write("\(count)", to: Guest.fixture(device, "raise"))
  }

  private static func object(
    _ device: UIODevice, options: InterruptSyncOptions = InterruptSyncOptions()
  ) throws -> InterruptSyncObject {
    let object = InterruptSyncObject(source: try UIOLine(device), mode: .normal, options: options)
    try object.registerServiceRoutine { .success }
    return object
  }

  private static func wrap(from start: Int32) throws {
    Guest.write("\(start)", to: Guest.fixture(0, "count"))
    let device = try custom()
    try expectEqual(device.info.event, UInt32(bitPattern: start), "event as sysfs prints it")
    let object = try object(device)
    try object.connect()
    for round in 1...8 {
      raise(1)
      try Guest.waitFor("event \(round)") { object.dispatchCount >= UInt64(round) }
    }
    try object.disconnect()
    try expectEqual(object.statistics().interrupts, 8, "sum of the differences")
    try expectEqual(try Guest.event(device), UInt32(bitPattern: start) &+ 8, "event")
  }

  private static func burst() throws {
    let device = try custom()
    let object = try object(device)
    try object.connect()
    // The lock delays the dispatcher, which then reads the count once for all three; it reads the rest
    // in one go.
    try object.callSynchronizedRoutine { raise(3) }
    raise(1000)
    try Guest.waitFor("1003 interrupts") { object.statistics().interrupts >= 1003 }
    try object.disconnect()
    let statistics = object.statistics()
    try expectEqual(statistics.interrupts, 1003, "interrupts")
    try expectEqual(statistics.coalesced, 1003 - statistics.dispatches, "coalesced")
  }

  private static func withoutIrqcontrol() throws {
    let device = try UIODevice(UIODeviceID("fixture-noirqcontrol"))
    let line = try UIOLine(device)
    try expectEqual(line.strategy, .none, "strategy")
    let object = InterruptSyncObject(source: line, mode: .normal)
    try object.registerServiceRoutine { .success }
    try object.connect()
    for round in 1...100 {
      raise(1, 3)
      try Guest.waitFor("event \(round)") { object.statistics().interrupts >= UInt64(round) }
    }
    try object.disconnect()
    try expectEqual(object.statistics().rearmFailures, 0, "re-arm failures")
  }

  private static func driverError() throws {
    let reports = Reports()
    let device = try custom()
    let object = try object(device, options: InterruptSyncOptions { reports.add($0) })
    try object.connect()
    Guest.write("-5", to: Guest.fixture(0, "irqcontrol_result"))
    raise(1)
    try Guest.waitFor("the report") { reports.texts.contains { $0.contains("re-arm") } }
    try Guest.waitFor("three tries") { object.statistics().rearmFailures >= 3 }
    Guest.write("0", to: Guest.fixture(0, "irqcontrol_result"))
    try Guest.waitFor("the recovery") { reports.texts.contains { $0.contains("re-armed again") } }
    try object.disconnect()
    try expectEqual(reports.texts.count, 2, "reports: \(reports.texts)")
    for word in ["uio-fixture.0", "re-arm", "EIO", "refused"] {
      try expect(reports.texts[0].contains(word), "\"\(reports.texts[0])\" lacks \(word)")
    }
  }

  private static func positiveAnswer() throws {
    let device = try custom()
    let line = try UIOLine(device)
    Guest.write("3", to: Guest.fixture(0, "irqcontrol_result"))
    defer { Guest.write("0", to: Guest.fixture(0, "irqcontrol_result")) }
    let object = InterruptSyncObject(source: line, mode: .normal)
    try object.registerServiceRoutine { .success }
    let error = try expectSyncError(.lineFailed) { try object.connect() }
    try expectEqual(error.device?.code, .driverFailed, "the device's code")
    try expect(error.description.contains("EPROTO"), error.description)
    try expectEqual(object.state, .disconnected, "state")
  }

  private static func maskIsLast() throws {
    let device = try custom()
    let object = try object(device)
    Guest.write("0", to: Guest.fixture(0, "irqcontrol_calls"))
    try object.connect()
    raise(1)
    try Guest.waitFor("the event") { object.dispatchCount >= 1 }
    try object.disconnect()
    let log = try Guest.text(Guest.fixture(0, "irqcontrol_log")).split(separator: "\n")
    try expectEqual(log, ["1", "1", "0"], "values written: connect, re-arm, disconnect")
  }

  private static func offsetMap() throws {
    let device = try UIODevice(UIODeviceID("fixture-unaligned"))
    let map = device.info.maps[1]
    let region = try device.region(map: 1)
    try expectEqual(map.offset, 0x240, "offset")
    try expectEqual(region.size, 0x1000 - 0x240, "usable bytes")
    try region.write32(0x1234_5678, at: 0)
    try expectEqual(try region.read32(at: 0), 0x1234_5678, "first register")
    // Map 1 of the fixture's device 0 starts 0x2000 lower: other bytes of the same kind of storage.
    try expectUIOError(.outOfBounds, ["map1", "\(0x1000 - 0x240)"]) {
      _ = try region.read8(at: region.size)
    }
    try expectUIOError(.misaligned, ["offset 2", "width 4"]) { _ = try region.read32(at: 2) }
    try expectUIOError(.outOfBounds, ["-4"]) { _ = try region.read32(at: -4) }
  }

  private static func description() throws {
    let device = try custom()
    try expectEqual(device.info.stableID, "platform-uio-fixture.0+fixture-custom", "stable id")
    try expectEqual(device.info.driver, nil, "driver")
    try expectEqual(device.info.maps.map(\.name), ["page", "testdev"], "names of the maps")
    try expectEqual(device.info.portRegions.first?.start, 0xe0, "first port")
    try expectEqual(device.info.portRegions.first?.type, "port_x86", "type of the ports")
    let page = try device.region(map: 0)
    try page.write64(0x0102_0304_0506_0708, at: 16)
    try expectEqual(try page.read8(at: 16), 8, "lowest byte")
    try expectEqual(try page.read16(at: 18), 0x0506, "second half-word")
    let nameless = try UIODevice(UIODeviceID("fixture-noirq"))
    try expectEqual(nameless.info.maps.first?.name, "", "empty name")
    try expectEqual(
      try nameless.region(map: 0).read32(at: 0), 0, "a register of a device without interrupt")
  }

  private static func probing() throws {
    try expectEqual(try UIOLine(try custom()).strategy, .irqControl, "strategy")
    let edu = try Guest.open(Guest.eduA)
    try expectEqual(try UIOLine(edu).strategy, .pciCommand, "strategy of uio_pci_generic")
    let hpet = try UIODevice(UIODeviceID("hpet"))
    try expectEqual(try UIOLine(hpet).strategy, .irqControl, "strategy of uio_pdrv_genirq")
    try expectEqual(try UIOLine(edu, strategy: RearmStrategy.none).strategy, .none, "override")
  }
}

/// Collects a dispatcher's reports.
final class Reports: @unchecked Sendable {
  private let monitor = Monitor()
  private var collected: [InterruptReport] = []
  private var times: [UInt64] = []

  func add(_ report: InterruptReport) {
    monitor.locked {
      collected.append(report)
      times.append(Clock.now)
    }
  }

  var all: [InterruptReport] { monitor.locked { collected } }
  var texts: [String] { all.map(\.description) }
  /// When the first report came.
  var firstTime: UInt64? { monitor.locked { times.first } }

  var removals: Int {
    all.count { if case .removed = $0 { true } else { false } }
  }
}
