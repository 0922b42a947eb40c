// Cards below root ports: one that is unplugged while it is in use and plugged in again, and one that reports errors
// over PCI Express (V35, V38). Reports come from a thread of the library's.
import Glibc
import InterruptSync
import Synchronization
import UIO
import VFIO
import Varlink

enum VFIOHotPlugTests {
  static let cases = [
    Case("V35_slotIsPoweredOffWhileConnectedAndMapped") {
      try unplug(within: 3000, by: NetworkCard.powerOff)
    },
    // The kernel waits for five seconds, in which the button may be pressed again.
    Case("V35_buttonOfTheSlotEndsWhileConnectedAndMapped") {
      try unplug(within: 5000 + 3000, by: NetworkCard.pressButton)
    },
    Case(
      "V35_hotUnplugReturnsWhileTheServiceHasItAndAClientReads", limit: .seconds(1500), service),
    Case("V38_errorsOverPCIExpressAreReportedAndTheDeviceStays", errors),
    Case("V38_theDaemonReportsAnErrorOverPCIExpressAndServicesTheDevice", reported),
  ]

  /// On all vectors together.
  private static let goal = 4 * repetitions(1000, short: 100)

  /// The card goes although it is connected and mapped, and the next one is connected to the same objects.
  private static func unplug(within limit: UInt64, by take: () throws -> Void) throws {
    let reports = Reports()
    let notices = Notices()
    let card = try Messages(goal) { notices.add($0) }
    let objects = try card.lines.map { line in
      let object = InterruptSyncObject(
        source: line, mode: .normal, options: InterruptSyncOptions { reports.add($0) })
      try object.registerServiceRoutine { card.routine(line.vector) }
      try object.connect()
      return object
    }
    try card.run(through: objects)
    let user = try Reader(card.registers, at: NetworkCard.status)
    let start = Clock.now
    try take()
    try Guest.waitFor("the card to be gone") { !NetworkCard.isThere }
    let took = (Clock.now - start) / 1_000_000
    user.join()
    say("the card was gone after \(took) ms")
    try expect(took < limit, "it took \(took) ms")
    try Guest.waitFor("the lines' ends") { reports.removals == objects.count }
    try notices.expectReturned()
    try expectUIOError(.removed, ["bar0"]) {
      _ = try card.registers.read32(at: NetworkCard.status)
    }
    for object in objects { try expectSyncError(.removed) { try object.connect() } }

    let next = try Messages(goal)
    for (line, object) in zip(next.lines, objects) {
      try object.registerServiceRoutine(first: true) { next.routine(line.vector) }
      try object.connect(to: line)
    }
    try next.run(through: objects)
    for object in objects { try object.disconnect() }
  }

  // MARK: Errors

  /// A virtio-rng with two vectors of MSI-X: of QEMU's e1000e no error gets beyond the card.
  private static let faulty = "0000:02:00.0"
  private static let errorText = "the device has reported an error over PCI Express"

  private static func reportError(_ kind: String) throws {
    let said = try Emulator.say("pcie_aer_inject_error faulty \(kind)")
    try expect(said.hasPrefix("OK id: faulty"), said)
  }

  private static func errors() throws {
    let notices = Notices()
    do {
      let device = try Guest.openVFIO(faulty) { notices.add($0) }
      let configuration = try device.configuration()
      let (object, line) = try connected(device)
      for number in 1...3 {
        // A completer abort is not fatal.
        try reportError("COMP_ABORT")
        try Guest.waitFor("report \(number)") { notices.texts.count == number }
        try line.selfTest()
        try Guest.waitFor("the message") { object.statistics().interrupts == number }
        try expectEqual(try configuration.read16(at: 0), 0x1af4, "vendor")
      }
      // An error of the data link is; the kernel resets the link.
      try reportError("DLP")
      try Guest.waitFor("the fatal error's report") { notices.texts.count == 4 }
      try object.disconnect()
    }
    for text in notices.texts { try expect(text.contains(errorText), text) }
    // Opened again, it is as good as before, as soon as the kernel has done with it.
    let device = try opened()
    let (object, line) = try connected(device)
    try line.selfTest()
    try Guest.waitFor("the message") { object.statistics().interrupts == 1 }
    try object.disconnect()
  }

  private static func opened() throws -> VFIODevice {
    while true {
      do { return try Guest.openVFIO(faulty) } catch let error as UIOError {
        guard error.code == .busy else { throw error }
        usleep(1000)
      }
    }
  }

  private static func connected(
    _ device: VFIODevice
  ) throws -> (object: InterruptSyncObject, line: VFIOLine) {
    let line = try VFIOLine(device, vector: 1)
    let object = InterruptSyncObject(source: line, mode: .normal)
    try object.registerServiceRoutine { .success }
    try object.connect()
    return (object, line)
  }

  private static func reported() throws {
    let vector = "pci-\(faulty)/msix1"
    try Guest.bindVFIO(faulty)
    let daemon = try ServiceDaemon([
      "devices/50-faulty.device": "[Match]\nId=pci-\(faulty)\n[Routine]\nName=any"
    ])
    let client = try daemon.client()
    try Guest.waitFor("\(vector) to be connected, it is \(client.state(vector))") {
      client.state(vector) == "connected"
    }
    try reportError("COMP_ABORT")
    try daemon.program.waitForText(errorText)
    try client.ask("Trigger", ["device": .string(vector), "count": 5])
    try Guest.waitFor("the self-tests") { try client.interrupts(vector) == 5 }
    try daemon.end()
  }

  // MARK: Service

  private static let vector = "\(NetworkCard.id)/msix2"
  /// Claims the cause of the observed vector, and withdraws it.
  private static let recipe =
    "Vector=2\nClaim=bar0:0xc0/32&0x400000\nAcknowledge=bar0:0xc0/32=claimed"
  private static let file = "/etc/interruptsync/devices/50-card.device"
  /// The MESSAGE_ID of a device that was removed.
  private static let removed = "6b8fb9b55bf440c2abee01a9cde3f417"

  /// The client's ring goes on with the next card, which nobody binds or connects.
  private static func service() throws {
    let count = UInt64(repetitions(1000, short: 100))
    try InstalledService.prepare()
    try NetworkCard.plugIfMissing()
    try Guest.shell("interruptsyncctl bind \(NetworkCard.address) --driver vfio-pci --persist")
    try Guest.create("[Match]\nId=\(NetworkCard.id)\n[Routine]\n\(recipe)", at: file)
    defer {
      unlink(file)
      _ = try? Guest.shell("interruptsyncctl unbind --persist \(NetworkCard.address)")
      InstalledService.end()
    }
    do {
      try Guest.shell(
        "udevadm settle && systemctl start \(InstalledService.socket) \(InstalledService.unit)")
      try waitForVector()
      let cursor = try InstalledService.cursor()
      let observer = try observe(2 * count)
      try raise(count, after: 0)
      let start = Clock.now
      try NetworkCard.powerOff()
      let took = (Clock.now - start) / 1_000_000
      say("the card was gone after \(took) ms")
      try expect(took < 3000, "it took \(took) ms")
      try Guest.waitFor("the journal to have the removal", seconds: 60) {
        try Guest.shell(
          "journalctl -q -u \(InstalledService.unit) MESSAGE_ID=\(removed) --after-cursor='\(cursor)' "
            + "-o cat"
        ).contains("the host wanted the device back")
      }
      let client = try InstalledService.client()
      try Guest.waitFor("the vector to be gone") { client.state(vector) == "gone" }
      // Totals and configuration.
      try expectEqual(
        try InstalledService.property("NFileDescriptorStore"), "2", "descriptors in store")
      try NetworkCard.plug()
      try waitForVector()
      try raise(count, after: count)
      try expectEqual(observer.wait(), 0, "the observer: \(observer.text)")
    } catch {
      throw Failure(description: "\(error); the journal: \(InstalledService.journal())")
    }
  }

  private static func waitForVector() throws {
    try Guest.waitFor("\(vector)", seconds: 60) {
      (try? InstalledService.client())?.state(vector) == "connected"
    }
  }

  /// A client that may reach the socket and not the device, and reads the messages of one vector.
  private static func observe(_ count: UInt64) throws -> Program {
    try Guest.shell("chgrp daemon \(InstalledService.address)")
    let group = try Guest.shell("getent group daemon").split(separator: ":")[2]
    let observer = try Program(
      ["--client", "claims", InstalledService.address, vector, "\(group)", "\(count)"],
      program: "guest-suite")
    try observer.waitForText("subscribed")
    return observer
  }

  /// Raises messages of the observed vector, each when the daemon has the one before.
  private static func raise(_ count: UInt64, after first: UInt64) throws {
    let client = try InstalledService.client()
    try client.transact(
      vector, NetworkCard.settings.map { Operation.write($0.register, $0.value) })
    for number in first + 1...first + count {
      try client.transact(
        vector, [Operation.write(NetworkCard.raise, NetworkCard.cause(2))])
      try Guest.waitFor("message \(number)") { try client.claimed(vector) == number }
    }
  }
}

/// The card with a line of each vector, each of whose routines raises the next vector's message.
private final class Messages: @unchecked Sendable {
  let device: VFIODevice
  let registers: RegisterRegion
  let lines: [VFIOLine]
  private let goal: Int
  private let raised = Atomic<Int>(0)

  init(_ goal: Int, report: (@Sendable (VFIOReport) -> Void)? = nil) throws {
    try NetworkCard.plugIfMissing()
    (device, registers) = try NetworkCard.open(report: report)
    lines = try (0..<NetworkCard.vectors).map { [device] in try VFIOLine(device, vector: $0) }
    self.goal = goal
  }

  func routine(_ vector: Int) -> NTStatus {
    let cause = NetworkCard.cause(vector)
    do throws(UIOError) {
      guard try registers.read32(at: NetworkCard.causes) & cause != 0 else { return .unsuccessful }
      try registers.write32(cause, at: NetworkCard.causes)
      if raised.load(ordering: .acquiring) < goal { try raise((vector + 1) % 4) }
      return .success
    } catch { return .unsuccessful }
  }

  private func raise(_ vector: Int) throws(UIOError) {
    raised.add(1, ordering: .acquiringAndReleasing)
    try registers.write32(NetworkCard.cause(vector), at: NetworkCard.raise)
  }

  /// All of them, once: none is lost, and each object has as many interrupts as /proc/interrupts.
  func run(through objects: [InterruptSyncObject]) throws {
    let before = objects.map { $0.statistics() }
    try raise(0)
    for (index, object) in objects.enumerated() {
      var claimed: UInt64 = 0
      try Guest.waitFor(
        "\(goal / 4) messages of \(lines[index]), there are \(claimed)", seconds: 120
      ) {
        claimed = object.statistics().claimed - before[index].claimed
        return claimed == UInt64(goal / 4)
      }
    }
    for (index, object) in objects.enumerated() {
      try Guest.waitFor("/proc/interrupts of \(lines[index])") {
        object.statistics().interrupts - before[index].interrupts
          == (try Guest.kernelCount(action: lines[index].actionName))
      }
    }
  }
}
