// Memory that a device shares with the program: the edu's engine reads and writes it through the IOMMU,
// which stops it everywhere else (V33, V34).
import Glibc
import InterruptSync
import LinuxSystem
import UIO
import VFIO

enum VFIOMemoryTests {
  static let cases = [
    Case("V33_engineReadsAndWritesBuffers", engine),
    Case("V33_deviceIsStoppedBeyondItsBuffers", stopped),
    Case("V34_lockedMemoryBeyondItsLimitIsRefused", limit),
  ]

  /// The edu's own memory, from the engine's side. It takes a little less than its 4,096 bytes: an
  /// engine that ends exactly at their end is QEMU's end, too.
  private static let inside: UInt64 = 0x40000
  private static let length = 4000

  private static func engine() throws {
    let edu = try Engine()
    let source = try DMABuffer(edu.edu.device, size: length, direction: .toDevice)
    let target = try DMABuffer(edu.edu.device, size: length, direction: .fromDevice)
    var random = Random()
    for round in 1...repetitions(200, short: 20) {
      for index in 0..<length { source.bytes[index] = UInt8(random.next(below: 256)) }
      source.synchronizeForDevice()
      try edu.move(from: source.deviceAddress, to: inside, length)
      try edu.move(from: inside, to: target.deviceAddress, length)
      target.synchronizeForProgram()
      try expect(source.bytes.elementsEqual(target.bytes), "round \(round): other bytes")
    }
    try edu.end()
  }

  /// The device says that it is done, and the memory is as it was.
  private static func stopped() throws {
    let edu = try Engine()
    let source = try DMABuffer(edu.edu.device, size: length, direction: .toDevice)
    for index in 0..<length { source.bytes[index] = 0x5a }
    try edu.move(from: source.deviceAddress, to: inside, length)
    for index in 0..<length { source.bytes[index] = 0xa5 }
    var freed: UInt64 = 0
    do {
      let buffer = try DMABuffer(edu.edu.device, size: length)
      freed = buffer.deviceAddress
    }
    // Memory that it may read only, and memory that is no longer its own.
    for address in [source.deviceAddress, freed] {
      try edu.move(from: inside, to: address, length)
    }
    try expect(source.bytes.allSatisfy { $0 == 0xa5 }, "the device wrote what it may only read")
    try Guest.waitFor("the IOMMU's message") {
      try Guest.shell("dmesg").contains("Write access is not set")
    }
    let (status, said) = try Guest.run("interruptsyncctl doctor pci-\(Guest.vfioEdu)")
    try expect(
      status == 0 && said.contains("warning: its IOMMU stopped it")
        && said.contains("Request device [00:0a.0]"), "status \(status): \(said)")
    // What is its own it still reaches.
    let target = try DMABuffer(edu.edu.device, size: length)
    try edu.move(from: inside, to: target.deviceAddress, length)
    try expect(target.bytes.allSatisfy { $0 == 0x5a }, "the device did not write its own")
    // Without bus mastering no message of its arrives (V20).
    try edu.edu.device.setBusMaster(false)
    let (muted, problem) = try Guest.run("interruptsyncctl doctor pci-\(Guest.vfioEdu)")
    try expect(
      muted == 1 && problem.contains("bus mastering is off"), "status \(muted): \(problem)")
    try edu.end()
  }

  private static func limit() throws {
    let edu = try Guest.openVFIO(Guest.vfioEdu, .msi)
    var before = rlimit()
    getrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &before)
    var small = rlimit(rlim_cur: 65536, rlim_max: before.rlim_max)
    setrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &small)
    // Root's CAP_IPC_LOCK is exempt.
    try expectEqual(seteuid(65534), 0, "seteuid")
    defer {
      seteuid(0)
      setrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &before)
    }
    try expectUIOError(.resourcesExhausted, ["locked memory", "LimitMEMLOCK=", "ENOMEM"]) {
      _ = try DMABuffer(edu, size: 1 << 20)
    }
    let little = try DMABuffer(edu, size: 4096)
    try expectEqual(little.deviceAddress, 0x10_0000, "the first address")
  }
}

/// The edu's engine, which interrupts when it has moved what it was told to.
private final class Engine {
  let edu: VFIOEdu
  private let object: InterruptSyncObject

  init() throws {
    edu = try VFIOEdu(.msi)
    object = try edu.object()
    try object.connect()
  }

  /// Addresses from the edu's memory on are inside of it.
  func move(from source: UInt64, to target: UInt64, _ length: Int) throws {
    let before = try object.callSynchronizedRoutine { self.edu.serviced }
    try edu.registers.write64(source, at: 0x80)
    try edu.registers.write64(target, at: 0x88)
    try edu.registers.write64(UInt64(length), at: 0x90)
    let toMemory: UInt64 = source == 0x40000 ? 2 : 0
    try edu.registers.write64(1 | toMemory | 4, at: 0x98)
    try Guest.waitFor("the engine") {
      try object.callSynchronizedRoutine { self.edu.serviced } > before
    }
  }

  func end() throws { try object.disconnect() }
}
