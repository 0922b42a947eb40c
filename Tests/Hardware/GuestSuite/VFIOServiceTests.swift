// The installed service with the vectors of a rocker: what udev and the unit give it, and messages over restarts, kills
// and the time between two processes. Messages are raised through the function's file in sysfs, which takes
// `iomem=relaxed` on the kernel's command line: only the daemon has the device.
import CUIO
import Glibc
import LinuxSystem
import UIO
import Varlink

enum VFIOServiceTests {
  static let cases = [
    Case("V39_serviceOpensAndObservesWhatIsBoundPersistently", limit: .seconds(1500), service),
    Case(
      "V35_unbindReturnsWhileTheServiceManagerKeepsTheDevice", limit: .seconds(1500), giveBack),
    Case("V37_serviceLosesNoMessageOverRestarts", limit: .seconds(1500)) {
      try undisturbed { _ in try Guest.shell("systemctl restart \(InstalledService.unit)") }
    },
    Case("V37_serviceLosesNoMessageWhenItIsKilled", limit: .seconds(1500)) {
      try undisturbed { try expectEqual(kill($0, SIGKILL), 0, "kill") }
    },
  ]

  private static let id = "pci-\(Guest.rocker)"
  private static let vector = "\(id)/msix2"
  private static let file = "/etc/interruptsync/devices/50-rocker.device"
  private static let raise = 0x20

  /// Runs `body` with the service, freshly started, and the function's registers.
  private static func serving(_ body: (Registers) throws -> Void) throws {
    try InstalledService.prepare()
    let registers = try Registers()
    try Guest.shell("interruptsyncctl bind \(Guest.rocker) --driver vfio-pci --persist")
    try Guest.create("[Match]\nId=\(id)\n[Routine]\nName=any", at: file)
    defer {
      unlink(file)
      _ = try? Guest.shell("interruptsyncctl unbind --persist \(Guest.rocker)")
      InstalledService.end()
    }
    do {
      try Guest.shell(
        "udevadm settle && systemctl start \(InstalledService.socket) \(InstalledService.unit)")
      try waitForVector()
      try body(registers)
    } catch {
      throw Failure(description: "\(error); the journal: \(InstalledService.journal())")
    }
  }

  private static func waitForVector() throws {
    try Guest.waitFor("\(vector)", seconds: 60) {
      (try? InstalledService.client())?.state(vector) == "connected"
    }
  }

  /// The function's first BAR, apart from the daemon.
  private final class Registers: @unchecked Sendable {
    private let address: UnsafeMutableRawPointer
    /// Raised so far.
    private(set) var count: UInt64 = 0

    init() throws {
      let file = try FileDescriptor.open("\(Guest.pci(Guest.rocker))/resource0", O_RDWR)
      var mapped: UnsafeMutableRawPointer?
      try expectEqual(cuio_map(file.raw, 0, 0x1000, true, &mapped), 0, "mapping resource0")
      guard let mapped else { throw Failure(description: "no address") }
      address = mapped
    }

    deinit { _ = cuio_unmap(address, 0x1000) }

    func raise(_ vector: UInt32) {
      count += 1
      address.storeBytes(of: vector, toByteOffset: VFIOServiceTests.raise, as: UInt32.self)
    }
  }

  private static func counted() throws -> UInt64? {
    try Guest.kernelCount(action: "vfio-msix[2](\(Guest.rocker))")
  }

  private static func service() throws {
    let count = UInt64(repetitions(10_000, short: 1_000))
    try serving { registers in
      let node = try Guest.groupNode(Guest.rocker)
      try expectEqual(try Guest.shell("stat -c '%G %a' \(node)"), "uio 660", node)
      // Its own group may reach the socket and not the device.
      try Guest.shell("chgrp daemon \(InstalledService.address)")
      let group = try Guest.shell("getent group daemon").split(separator: ":")[2]
      let observer = try Program(
        [
          "--client", "messages", InstalledService.address, vector, "\(group)", "\(count)",
        ], program: "guest-suite")
      try observer.waitForText("subscribed")
      for number in 1...count {
        registers.raise(2)
        try Guest.waitFor("message \(number)") { try counted() == number }
      }
      try expectEqual(observer.wait(), 0, "the observer: \(observer.text)")
      try expectEqual(try InstalledService.client().interrupts(vector), count, "interrupts")
      // Three descriptors of the function, one of each vector, totals and configuration.
      try expectEqual(
        try InstalledService.property("NFileDescriptorStore"), "9", "descriptors in store")
    }
  }

  /// The manager's copies hold the device as the daemon's do.
  private static func giveBack() throws {
    try serving { registers in
      try raiseOne(registers)
      let start = Clock.now
      try Guest.shell("interruptsyncctl unbind \(Guest.rocker)")
      let took = (Clock.now - start) / 1_000_000
      say("the host had the device after \(took) ms")
      try expect(took < 3000, "it took \(took) ms")
      try Guest.waitFor("the vector to be gone") {
        try InstalledService.client().state(vector) == "gone"
      }
      // Totals and configuration.
      try expectEqual(
        try InstalledService.property("NFileDescriptorStore"), "2", "descriptors in store")
      try Guest.shell("interruptsyncctl bind \(Guest.rocker) --driver vfio-pci")
      try waitForVector()
      registers.raise(2)
      try Guest.waitFor("the daemon to have both messages") {
        try InstalledService.client().interrupts(vector) == 2
      }
    }
  }

  /// Raises messages while `disturb` ends the process repeatedly; the daemon counts each once.
  private static func undisturbed(_ disturb: (pid_t) throws -> Void) throws {
    let rounds = repetitions(50, short: 5)
    try serving { registers in
      for round in 1...rounds {
        for _ in 1...20 { try raiseOne(registers) }
        guard let process = InstalledService.process() else {
          throw Failure(description: "round \(round): there is no process")
        }
        try disturb(process)
        // The vector is armed all the while, but for the moment in which the next process arms it again.
        for _ in 1...20 { try raiseOne(registers) }
        try InstalledService.waitForProcess(after: process)
      }
      try waitForVector()
      for _ in 1...20 { try raiseOne(registers) }
      let wanted = registers.count
      try Guest.waitFor("the daemon to have \(wanted) messages") {
        usleep(20_000)
        return try InstalledService.client().interrupts(vector) == wanted
      }
      say("\(wanted) messages, \(rounds) processes")
    }
  }

  /// One that the kernel has counted: it cannot be merged with the next.
  private static func raiseOne(_ registers: Registers) throws {
    registers.raise(2)
    try Guest.waitFor("message \(registers.count)") { try counted() == registers.count }
  }
}
