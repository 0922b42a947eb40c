// The daemon's clients on real devices: rings, transactions, attachments, hosted drivers. A daemon of
// its own per case; some clients are processes (ServiceClient).
import CUIO
import Glibc
import LinuxSystem
import UIO
import Varlink

enum ServiceTests {
  static let cases = [
    Case("serviceTransactionsAndInterruptsNeverInterleave", exclusion),
    Case("serviceAttachedClientKilledAtRandomPoints", killed),
    Case("serviceHostedDriverServicesAndComesBackWithItsDevice", hosted),
    Case("serviceHostedDriverThatOthersCanWriteIsRefused", refused),
    Case("serviceDevicesLeaveUnderSubscriberAndAttachment", leaving),
  ]

  private static let eduA = "pci-\(Guest.eduA)"
  private static let eduB = "pci-\(Guest.eduB)"

  private static func file(_ id: String, _ routine: String) -> [String: String] {
    ["devices/50-edu.device": "[Match]\nId=\(id)\n[Routine]\nName=edu\n\(routine)"]
  }

  private static let recipe =
    "Claim=bar0:0x24/32\nCapture=status=bar0:0x24/32\nAcknowledge=bar0:0x64/32=status"

  private static func connected(_ client: VarlinkClient, _ device: String) throws {
    try Guest.waitFor("\(device) to be connected") { client.state(device) == "connected" }
  }

  /// The liveness register reads as the complement of the last write, whichever process made it. Two
  /// clients and the driver's routine write to it, and each checks that no other write came between.
  private static func exclusion() throws {
    let each = repetitions(50_000, short: 3_000)
    let driver = "Driver=/usr/lib/interruptsync/drivers/exclusion.so"
    let daemon = try ServiceDaemon(file(eduA, driver))
    let client = try daemon.client()
    try connected(client, eduA)
    let start = Clock.now
    let clients = try [1, 2].map {
      try Program(
        ["--client", "transact", daemon.socket, eduA, "\($0)", "\(each)"], program: "guest-suite")
    }
    for other in clients {
      try expectEqual(other.wait(), 0, "exit status: \(other.text)")
      try expect(other.text.contains("done \(each)"), other.text)
    }
    let seconds = Double(Clock.now - start) / 1e9
    let ring = try Ring(client, eduA)
    try Guest.open(Guest.eduA).region(bar: 0).raise(1...1)
    let last = try ring.next()
    say("\(2 * each) transactions and \(last.captured.0) interrupts in \(seconds) s")
    try expect(last.captured.0 > UInt64(each / 50), "only \(last.captured.0) interrupts")
    try expectEqual(last.captured.1, 0, "accesses of other callers that the routine saw")
    try daemon.end()
  }

  /// Whether the function's COMMAND register masks INTx.
  private static func isMasked(_ address: String) throws -> Bool {
    let file = try FileDescriptor.open("\(Guest.pci(address))/config", O_RDONLY)
    var command: UInt16 = 0
    try expectEqual(pread(file.raw, &command, 2, 4), 2, "reading COMMAND")
    return UInt16(littleEndian: command) & 0x400 != 0
  }

  private static func killed() throws {
    var random = Random()
    // No file matches the device: only clients service it.
    let daemon = try ServiceDaemon([:])
    let client = try daemon.client()
    let registers = try Guest.open(Guest.eduA).region(bar: 0)
    var attached = 0
    let rounds = repetitions(225, short: 20)
    for round in 1...rounds {
      let child = try Program(
        ["--client", "attach", daemon.socket, eduA], program: "guest-suite")
      // Every fifth client must get the line and service it, whatever state its predecessor left. Of
      // the others, some are killed before they attach.
      if round % 5 == 0 {
        try child.waitForText("serviced")
      } else if round % 10 != 1 {
        try child.waitForText("attached")
      }
      usleep(random.next(below: round % 2 == 0 ? 3_000 : 30_000))
      child.send(SIGKILL)
      _ = child.wait()
      if child.text.contains("attached") { attached += 1 }
      try expect(!child.text.contains("client:"), "round \(round): \(child.text)")
      // The daemon still reads what the client sent last: it accepts a connection, reads it, and finds
      // it closed, in three steps.
      for _ in 1...6 { _ = client.state(eduA) }
      try Guest.waitFor("round \(round): the attachment's end") { client.state(eduA) == "listed" }
      if child.text.contains("attached") {
        try expect(try isMasked(Guest.eduA), "round \(round): armed although no client services it")
        try registers.write32(2, at: Edu.raise)
        try expect(try isMasked(Guest.eduA), "round \(round): armed by an interrupt")
      }
    }
    say("\(attached) of \(rounds) were attached when they were killed")
    try expect(attached * 9 >= rounds * 8, "only \(attached) clients attached")
    let event = try client.ask("Attach", ["device": .string(eduA)]).descriptors[0]
    try registers.write32(4, at: Edu.raise)
    try expectEqual(cuio_wait(event.raw, -1, 20_000, false), Int32(CUIO_WAIT_READABLE), "the last")
    try client.transact(eduA, [Operation.write(Edu.acknowledge, .max)])
    try client.ask("Complete", ["device": .string(eduA), "claimed": true])
    try client.ask("Detach", ["device": .string(eduA)])
    try expect(try isMasked(Guest.eduA), "armed after Detach")
    try daemon.end()
  }

  private static func hosted() throws {
    let driver = "Driver=/usr/lib/interruptsync/drivers/edu.so\nArgument=6"
    let daemon = try ServiceDaemon(file(eduA, driver))
    let client = try daemon.client()
    for life in 1...2 {
      try connected(client, eduA)
      let ring = try Ring(client, eduA)
      let region = try Guest.open(Guest.eduA).region(bar: 0)
      for count: UInt32 in 1...500 {
        try region.raise((count | 0x1000)...(count | 0x1000))
        let event = try ring.next()
        try expectEqual(event.captured.0, UInt64(count | 0x1000), "status")
        try expectEqual(event.captured.1, UInt64(count), "the driver's count")
      }
      // The deferred routine started this computation.
      try Guest.waitFor("6!") { try region.read32(at: 0x08) == 720 }
      try expectEqual(try client.interrupts(eduA), UInt64(500 * life), "interrupts")
      guard life == 1 else { break }
      Guest.unbind(Guest.eduA)
      try daemon.program.waitForText("edu: 500 interrupts")
      try Guest.waitFor("the device's end") { client.state(eduA) == "gone" }
      try Guest.bind(Guest.eduA)
    }
    try daemon.end()
    try expectEqual(
      daemon.program.text.split(separator: "\n").filter { $0.contains("edu: 500 interrupts") }
        .count, 2, "stops of the driver")
  }

  private static func refused() throws {
    let path = "/usr/lib/interruptsync/drivers/edu.so"
    chmod(path, 0o666)
    defer { chmod(path, 0o644) }
    let daemon = try ServiceDaemon(file(eduA, "Driver=\(path)"))
    try daemon.program.waitForText("users other than root can write")
    let client = try daemon.client()
    try expectEqual(client.state(eduA), "failed", "state")
    chmod(path, 0o644)
    try client.ask("Connect", ["device": .string(eduA)])
    try expectEqual(client.state(eduA), "connected", "state once it is safe")
    try daemon.end()
  }

  private static func leaving() throws {
    let daemon = try ServiceDaemon(file(eduA, recipe))
    let client = try daemon.client()
    try connected(client, eduA)
    let ring = try Ring(client, eduA)
    let named: JSONObject = ["device": .string(eduB)]
    for life: UInt32 in 1...3 {
      try Guest.open(Guest.eduA).region(bar: 0).raise(1...100)
      for count: UInt64 in 1...100 {
        try expectEqual(try ring.next().captured.0, count, "captured in life \(life)")
      }
      let event = try client.ask("Attach", named).descriptors[0]
      try client.transact(eduB, [Operation.write(Edu.raise, 1)])
      try wait(event, "an interrupt")
      try client.transact(eduB, [Operation.write(Edu.acknowledge, .max)])
      try client.ask("Complete", ["device": .string(eduB), "claimed": true])
      Guest.unbind(Guest.eduA)
      Guest.unbind(Guest.eduB)
      // The end of the attachment wakes a client that waits for an interrupt.
      try wait(event, "the attachment's end")
      try Guest.waitFor("the devices' end") {
        client.state(eduA) == "gone" && client.refusal("DescribeDevice", named) == "NoSuchDevice"
      }
      try expectEqual(client.refusal("Detach", named), "NoSuchDevice", "Detach")
      try Guest.bind(Guest.eduA)
      try Guest.bind(Guest.eduB)
      try connected(client, eduA)
      try Guest.waitFor("the other") { client.state(eduB) == "listed" }
      try expectEqual(client.refusal("Detach", named), "NotAttached", "Detach of the new one")
    }
    try expectEqual(ring.dropped, 0, "dropped")
    try daemon.end()
  }

  private static func wait(_ event: FileDescriptor, _ what: String) throws {
    // At its end the daemon closes its end of the pair as well.
    let result = cuio_wait(event.raw, -1, 20_000, false)
    try expect(result & Int32(CUIO_WAIT_READABLE) != 0, "\(what): \(result)")
    _ = linux_wake_pair_drain(event.raw)
  }
}
