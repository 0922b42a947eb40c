// The errors of docs/uio.md, parts A1 to A7: what the kernel answers, and how the library words it.
import Glibc
import InterruptSync
import LinuxSystem
import UIO

enum ErrorTests {
  static let cases = [
    Case("fact1_openOfAMissingDevice", missing),
    Case("fact1_openOfAMinorWithoutADevice", missingMinor),
    Case("fact1_openHookOfTheDriverRefuses", openHook),
    Case("fact4_permissionDeniedOnTheNode", permissionOnNode),
    Case("fact4_permissionDeniedOnPCIFiles", permissionOnPCI),
    Case("fact5_aNameOfSeveralDevicesIsAmbiguous", ambiguous),
    Case("fact13_deviceWithoutInterrupt", withoutInterrupt),
    Case("fact17_irqcontrolThatIsNotThere", noIrqcontrol),
    Case("fact39_pciFunctionWithoutAnInterruptPin", withoutPin),
    Case("fact21_deviceWithoutInterruptIsNotTakenForRemoved", withoutInterruptIsAlive),
    Case("fact35_unalignedMapOfALegacyDriver", unaligned),
    Case("fact38_regionsThatAreNotThere", noRegion),
    Case("N9_secondConnectionToOneLineIsRefused", lineBusy),
    Case("pciCommandOnADeviceThatIsNotPCI", notPCI),
  ]

  private static func missing() throws {
    try expectUIOError(.notFound, ["uio77", "open", "no such device", "ENOENT", "hint"]) {
      _ = try UIODevice(UIODeviceID("/dev/uio77"))
    }
    try expectUIOError(.notFound, ["pci-0000:00:1f.7", "hint"]) {
      _ = try UIODevice(UIODeviceID("0000:00:1f.7"))
    }
    try expectUIOError(.notFound, ["no-such-name"]) {
      _ = try UIODevice(UIODeviceID("no-such-name"))
    }
    try expectUIOError(.notFound, ["/dev/null", "not a UIO device"]) {
      _ = try UIODevice(UIODeviceID("/dev/null"))
    }
  }

  private static func missingMinor() throws {
    let edu = try UIODeviceInfo.find(UIODeviceID("pci-\(Guest.eduA)"))
    let number = try Guest.text("/sys/class/uio/uio\(edu.number)/dev").split(separator: ":")
    guard let major = UInt32(number[0]) else { throw Failure(description: "dev is \(number)") }
    mkdir("/tmp/nodes", 0o755)
    let node = "/tmp/nodes/uio\(edu.number)"
    unlink(node)
    guard mknod(node, S_IFCHR | 0o600, dev_t(major) << 8 | 200) == 0 else {
      throw Failure(description: "mknod: \(Errno.name(errno))")
    }
    // The device is in sysfs, but its node leads to none.
    let info = try UIODeviceInfo(number: edu.number, sysfs: Sysfs(devices: "/tmp/nodes"))
    try expectUIOError(.notFound, ["uio\(edu.number)", "pci-\(Guest.eduA)", "ENODEV"]) {
      _ = try UIODevice(info)
    }
  }

  private static func openHook() throws {
    let expected: [(Int32, UIOError.Code, [String])] = [
      (EBUSY, .busy, ["refuses another open", "EBUSY"]),
      (EPERM, .permissionDenied, ["EPERM", "group"]),
      (ENOSPC, .driverFailed, ["open hook", "ENOSPC"]), (EINVAL, .removed, ["EINVAL"]),
    ]
    defer { Guest.write("0", to: Guest.fixture(0, "open_result")) }
    for (number, code, words) in expected {
      Guest.write("\(-number)", to: Guest.fixture(0, "open_result"))
      try expectUIOError(code, words + ["platform-uio-fixture.0", "open"]) {
        _ = try FixtureTests.custom()
      }
    }
  }

  /// Runs `body` as the user nobody: this thread's system calls lose root's rights.
  private static func asNobody(_ body: () throws -> Void) throws {
    guard seteuid(65534) == 0 else { throw Failure(description: "seteuid: \(Errno.name(errno))") }
    defer { seteuid(0) }
    try body()
  }

  private static func permissionOnNode() throws {
    try asNobody {
      try expectUIOError(
        .permissionDenied, ["pci-\(Guest.eduA)", "open", "EACCES", "udev rule", "uio"]
      ) {
        _ = try Guest.open(Guest.eduA)
      }
    }
  }

  private static func permissionOnPCI() throws {
    let info = try UIODeviceInfo.find(UIODeviceID("pci-\(Guest.eduA)"))
    chmod(info.path, 0o666)
    defer { chmod(info.path, 0o660) }
    try asNobody {
      let device = try UIODevice(info)
      try expectUIOError(.permissionDenied, ["configuration space", "EACCES", "lockdown"]) {
        _ = try UIOLine(device)
      }
      try expectUIOError(.permissionDenied, ["bar0", "EACCES"]) { _ = try device.region(bar: 0) }
      // Mapping needs only the node, which every user may open now.
      try expectEqual(try device.region(map: 0).read32(at: 0), 0x0100_00ed, "identification")
    }
  }

  private static func ambiguous() throws {
    let ids = ["pci-\(Guest.eduA)", "pci-\(Guest.eduB)"]
    try expectUIOError(.ambiguous, ["uio_pci_generic", "stable id"] + ids) {
      _ = try UIODevice(UIODeviceID("uio_pci_generic"))
    }
  }

  private static func withoutInterrupt() throws {
    let device = try UIODevice(UIODeviceID("fixture-noirq"))
    try expectUIOError(
      .noInterrupt, ["platform-uio-fixture.1", "no interrupt", "EIO", "hint", "MSI"]
    ) {
      _ = try UIOLine(device)
    }
  }

  private static func withoutPin() throws {
    let device = try Guest.open(Guest.testdev)
    let words = ["pci-\(Guest.testdev)", "no interrupt", "without INTx", "MSI"]
    try expectUIOError(.noInterrupt, words) { _ = try UIOLine(device) }
    try expect(device.isAlive, "alive")
    // Its registers work all the same.
    let bars = device.info.pci?.bars.map(\.number) ?? []
    for bar in bars { _ = try device.region(bar: bar).read32(at: 0) }
    try expect(bars.count >= 2, "BARs: \(bars)")
  }

  private static func withoutInterruptIsAlive() throws {
    let device = try UIODevice(UIODeviceID("fixture-noirq"))
    let region = try device.region(map: 0)
    try expect(device.isAlive, "alive")
    try expect(!device.hasInterrupt, "has no interrupt")
    Guest.write("0", to: Guest.fixture(1, "registered"))
    defer { Guest.write("1", to: Guest.fixture(1, "registered")) }
    try expect(!device.isAlive, "alive after its removal")
    try expectUIOError(.removed, ["map0", "stable id"]) { _ = try region.read32(at: 0) }
  }

  private static func noIrqcontrol() throws {
    let words = ["re-arm by irqcontrol", "no irqcontrol", "ENOSYS", "hint"]
    try expectUIOError(.rearmUnsupported, words) {
      _ = try UIOLine(try UIODevice(UIODeviceID("fixture-noirqcontrol")), strategy: .irqControl)
    }
    try expectUIOError(.rearmUnsupported, words + ["PCI COMMAND"]) {
      _ = try UIOLine(try Guest.open(Guest.eduA), strategy: .irqControl)
    }
  }

  private static func unaligned() throws {
    let device = try UIODevice(UIODeviceID("fixture-unaligned"))
    try expectUIOError(.unmappable, ["map0", "page-aligned", "ENODEV"]) {
      _ = try device.region(map: 0)
    }
  }

  private static func noRegion() throws {
    let edu = try Guest.open(Guest.eduA)
    try expectUIOError(.noSuchRegion, ["BAR 3", "bar0"]) { _ = try edu.region(bar: 3) }
    try expectUIOError(.noSuchRegion, ["map4", "map0"]) { _ = try edu.region(map: 4) }
    let fixture = try UIODevice(UIODeviceID("fixture-noirqcontrol"))
    try expectUIOError(.noSuchRegion, ["map0", "no maps"]) { _ = try fixture.region(map: 0) }
    try expectUIOError(.noSuchRegion, ["not a PCI function"]) { _ = try fixture.region(bar: 0) }
    let serial = try Guest.open(Guest.serial).region(bar: 0)
    try expectUIOError(.misaligned, ["1, 2 or 4"]) { _ = try serial.read64(at: 0) }
    try expectUIOError(.outOfBounds, ["bar0"]) { _ = try serial.read8(at: 32) }
  }

  private static func lineBusy() throws {
    let edu = try Edu(Guest.eduA)
    let line = try UIOLine(edu.device)
    let first = InterruptSyncObject(source: line, mode: .normal)
    let second = InterruptSyncObject(source: line, mode: .normal)
    for object in [first, second] { try object.registerServiceRoutine { edu.routine() } }
    try first.connect()
    try expectSyncError(.lineBusy) { try second.connect() }
    try edu.chain(10, through: first)
    try Guest.waitFor("the first one's interrupts") { first.dispatchCount >= 10 }
    try first.disconnect()
    try second.connect()
    try second.disconnect()
  }

  private static func notPCI() throws {
    try expectUIOError(.rearmUnsupported, ["not a PCI function", "ENOENT"]) {
      _ = try UIOLine(try FixtureTests.custom(), strategy: .pciCommand)
    }
  }
}
