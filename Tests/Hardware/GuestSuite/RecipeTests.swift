// The device files of Examples/recipes, as they are shipped and all at once, on the devices that QEMU
// has. Each case raises interrupts as the file's header says, and the daemon services them. The cases
// run on the suite's one thread.
import Glibc
import UIO
import Varlink

enum RecipeTests {
  static let cases = [
    Case("recipeOfEduServicesEveryInterrupt", edu),
    Case("recipeOfA16550HasEveryByteInAnEvent", oneUART),
    Case("recipeOfTwo16550sLosesNoByte") { try manyUARTs(Guest.uarts, ports: 2) },
    Case("recipeOfFour16550sLosesNoByte") { try manyUARTs(Guest.serial, ports: 4) },
    Case("recipeOfHPETServicesEveryMatch", hpet),
    Case("recipeOfAC97ServicesEveryBuffer", sound),
    Case("recipeOfHDAServicesWakeUpsAndResponses", codec),
  ]

  // MARK: The daemon

  /// Runs `body` with a daemon that has all the files, once it has connected `devices`. Afterwards no
  /// line has been braked, and no interrupt of them was left unclaimed.
  private static func serving(
    _ devices: [String], _ body: (VarlinkClient) throws -> Void
  ) throws {
    let names = try Guest.shell("ls recipes").split(separator: "\n").map(String.init)
    try expect(names.count >= 15, "recipes: \(names)")
    var files: [String: String] = [:]
    for name in names {
      files["devices/\(name)"] = try FileDescriptor.openText("recipes/\(name)")
    }
    let daemon = try ServiceDaemon(files)
    let client = try daemon.client()
    for device in devices {
      try Guest.waitFor("\(device); the daemon says: \(daemon.program.text.suffix(2000))") {
        client.state(device) == "connected"
      }
    }
    try body(client)
    for device in devices {
      try expectEqual(client.state(device), "connected", "state of \(device)")
      for figure in ["storms", "unclaimed", "rearmFailures"] {
        try expectEqual(try client.statistic(figure, device), 0, "\(figure) of \(device)")
      }
    }
    try daemon.end()
  }

  /// A 16550's registers are a byte each.
  private static func byte(_ operation: String, _ offset: Int, _ value: Int? = nil) -> JSON {
    var members: JSONObject = [
      "operation": .string(operation), "register": .string("bar0:\(offset)/8"),
    ]
    if let value { members["value"] = .integer(Int64(value)) }
    return .object(members)
  }

  // MARK: Devices

  private static func edu() throws {
    let addresses = [Guest.eduA, Guest.eduB, Guest.eduC]
    for address in addresses {
      try Guest.open(address).region(bar: 0).write32(.max, at: Edu.acknowledge)
    }
    try serving(addresses.map { "pci-\($0)" }) { client in
      for address in addresses {
        let ring = try Ring(client, "pci-\(address)")
        try Guest.open(address).region(bar: 0).raise(1...100)
        for value: UInt64 in 1...100 {
          try expectEqual(try ring.next().captured.0, value, "causes of \(address)")
        }
        try expectEqual(try client.claimed("pci-\(address)"), 100, "claimed of \(address)")
      }
    }
  }

  /// Binds a card that the kernel's driver has, for as long as `body` runs.
  private static func bound(_ address: String, _ body: () throws -> Void) throws {
    try Guest.shell(". ./bind.sh && bind_uio \(address)")
    defer { _ = try? Guest.shell(". ./bind.sh && unbind_uio \(address)") }
    try body()
  }

  private static func oneUART() throws {
    let device = "pci-\(Guest.uart)"
    try bound(Guest.uart) {
      try serving([device]) { client in
        let ring = try Ring(client, device)
        // No FIFO; what it sends it receives.
        try client.transact(
          device, [byte("write", 2, 0), byte("write", 4, 0x18), byte("write", 1, 0x01)])
        for value in 0..<256 {
          try client.transact(device, [byte("write", 0, value)])
          try expectEqual(try ring.next().captured.0, UInt64(value), "byte \(value)")
        }
        try expectEqual(try client.claimed(device), 256, "claimed")
        // The transmitter is empty, which interrupts once each time it is asked for.
        for round: UInt64 in 1...50 {
          try client.transact(device, [byte("write", 1, 0x03)])
          try Guest.waitFor("round \(round) of the transmitter") {
            try client.transact(device, [byte("read", 1)]) == [0x01]
          }
          _ = try ring.next()
          try expectEqual(try client.claimed(device), 256 + round, "claimed")
        }
        try client.transact(device, [byte("write", 1, 0), byte("write", 4, 0)])
      }
    }
  }

  /// The routines turn the ports off, and the client takes the bytes and turns them on again.
  private static func manyUARTs(_ address: String, ports: Int) throws {
    let device = "pci-\(address)"
    let bases = (0..<ports).map { $0 * 8 }
    func body(_ client: VarlinkClient) throws {
      try client.transact(
        device,
        bases.flatMap { base in
          [(2, 0x07), (4, 0x18), (1, 0x01)].map { byte("write", base + $0, $1) }
        })
      var received = 0
      for round in 0..<100 {
        // All ports at once in one round, then one of them.
        let sending = round % 2 == 0 ? bases : [bases[round / 2 % ports]]
        try client.transact(device, sending.map { byte("write", $0, (round + $0) & 0xff) })
        try Guest.waitFor("round \(round): the ports to be turned off") {
          try client.transact(device, sending.map { byte("read", $0 + 1) }).allSatisfy { $0 == 0 }
        }
        for base in sending {
          let found = try client.transact(
            device, [byte("read", base + 5), byte("read", base), byte("read", base + 5)])
          try expectEqual(found[0] & 0x03, 1, "round \(round): a byte and no overrun at \(base)")
          try expectEqual(found[1], UInt64((round + base) & 0xff), "round \(round): at \(base)")
          try expectEqual(found[2] & 0x01, 0, "round \(round): another byte at \(base)")
          try client.transact(device, [byte("write", base + 1, 1)])
          received += 1
        }
      }
      try expectEqual(received, 50 * ports + 50, "bytes")
      try expect(try client.claimed(device) ?? 0 >= 100, "claimed")
      try client.transact(
        device, bases.flatMap { [byte("write", $0 + 1, 0), byte("write", $0 + 4, 0)] })
    }
    if address == Guest.serial { return try serving([device], body) }
    try bound(address) { try serving([device], body) }
  }

  private static func hpet() throws {
    let timer = try HPETTimer()
    let id = try UIODeviceInfo.find(UIODeviceID("hpet")).stableID
    let before = try timer.kernelCount()
    try serving([id]) { client in
      let ring = try Ring(client, id)
      var last: UInt64 = 0
      for shot in 1...200 {
        timer.start(1)
        let counter = try ring.next().captured.0
        try expect(counter > last, "shot \(shot): the counter was \(counter) after \(last)")
        last = counter
      }
      timer.stop()
      // QEMU's timer also matches while the comparator is being set, so that there may be more than 200.
      let kernel = try timer.kernelCount() - before
      try expect(kernel >= 200, "/proc/interrupts has \(kernel)")
      try Guest.waitFor("the last") { try client.interrupts(id) == kernel }
      try expectEqual(try client.claimed(id), kernel, "claimed of those that the kernel counted")
    }
  }

  private static func sound() throws {
    let id = "pci-\(Guest.ac97)"
    try Guest.withHugePages(1) {
      let device = try Guest.open(Guest.ac97)
      let master = try device.region(bar: 1)
      // A list of 32 descriptors, all of the same silence.
      let buffer = try DMABuffer(device, size: 8192, addressLimit: 0xffff_ffff)
      for index in 0..<32 {
        buffer.bytes.storeBytes(
          of: UInt32(buffer.deviceAddress + 4096), toByteOffset: index * 8, as: UInt32.self)
        buffer.bytes.storeBytes(
          of: 1 << 31 | 2048, toByteOffset: index * 8 + 4, as: UInt32.self)
      }
      buffer.synchronizeForDevice()
      try master.write32(2, at: 0x2c)
      try Guest.waitFor("the codec") { try master.read32(at: 0x30) & 1 << 8 != 0 }
      try Guest.shell("setpci -s \(Guest.ac97) COMMAND=4:4")
      try serving([id]) { client in
        for round: UInt64 in 1...3 {
          try master.write8(2, at: 0x1b)
          try Guest.waitFor("the bus master's reset") { try master.read8(at: 0x1b) & 2 == 0 }
          try master.write32(UInt32(buffer.deviceAddress), at: 0x10)
          try master.write8(31, at: 0x15)
          let before = try client.claimed(id) ?? 0
          try master.write8(0x1d, at: 0x1b)
          try Guest.waitFor("round \(round): 32 buffers, and no event left", seconds: 60) {
            try master.read16(at: 0x16) & 0x1d == 1
          }
          // Several buffers may have been played when the routine runs.
          let claimed = (try client.claimed(id) ?? 0) - before
          try expect((3...33).contains(claimed), "round \(round): \(claimed) interrupts")
        }
        try master.write8(0, at: 0x1b)
      }
    }
  }

  private static func codec() throws {
    let id = "pci-\(Guest.hda)"
    try Guest.withHugePages(1) {
      let device = try Guest.open(Guest.hda)
      let registers = try device.region(bar: 0)
      let buffer = try DMABuffer(device, size: 4096)
      try Guest.shell("setpci -s \(Guest.hda) COMMAND=4:4")
      try serving([id]) { client in
        for round: UInt64 in 1...50 {
          try HDATests.reset(registers)
          try Guest.waitFor("wake-up \(round)") {
            try registers.read16(at: 0x0e) == 0 && client.claimed(id) ?? 0 >= round
          }
        }
        let ring = try Ring(client, id)
        try prepareRings(registers, buffer)
        for number in 1...100 {
          // Codec 0, node 0: which vendor?
          buffer.bytes.storeBytes(of: 0x000f_0000, toByteOffset: number * 4, as: UInt32.self)
          buffer.synchronizeForDevice()
          try registers.write16(UInt16(number), at: 0x48)
          try expectEqual(try ring.next().captured.0, UInt64(number), "the last response")
          try Guest.waitFor("the acknowledgement") { try registers.read8(at: 0x5d) & 5 == 0 }
          buffer.synchronizeForProgram()
          let vendor = buffer.bytes.load(fromByteOffset: 1024 + number * 8, as: UInt32.self)
          try expect(vendor != 0, "response \(number) is empty")
        }
        try registers.write8(0, at: 0x4c)
        try registers.write8(0, at: 0x5c)
      }
    }
  }

  /// CORB at the buffer's beginning, RIRB behind it; an interrupt for each response.
  private static func prepareRings(_ registers: RegisterRegion, _ buffer: DMABuffer) throws {
    try registers.write8(0, at: 0x4c)
    try registers.write8(0, at: 0x5c)
    for (base, address) in [(0x40, buffer.deviceAddress), (0x50, buffer.deviceAddress + 1024)] {
      try registers.write32(UInt32(truncatingIfNeeded: address), at: base)
      try registers.write32(UInt32(truncatingIfNeeded: address >> 32), at: base + 4)
    }
    try registers.write16(0, at: 0x48)
    try registers.write16(0x8000, at: 0x4a)
    try registers.write16(0, at: 0x4a)
    try registers.write16(0x8000, at: 0x58)
    try registers.write16(1, at: 0x5a)
    try registers.write8(0x02, at: 0x4c)
    try registers.write8(0x07, at: 0x5c)
  }
}
