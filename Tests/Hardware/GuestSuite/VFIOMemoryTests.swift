// Memory that a device shares with the program: the edu's engine reads and writes it through the IOMMU,
// which stops it everywhere else (V33, V34). A device of UIO has none of it (fact 63).
import Glibc
import InterruptSync
import LinuxSystem
import UIO
import VFIO

enum VFIOMemoryTests {
  static let cases = [
    Case("V33_engineReadsAndWritesBuffers", engine),
    Case("V33_deviceIsStoppedBeyondItsBuffers", stopped),
    Case("fact63_aDeviceWhoseAddressesAnIOMMUTranslatesGetsNoBuffer", translated),
    Case("V34_lockedMemoryBeyondItsLimitIsRefused", limit),
  ]

  private static let inside = Engine<VFIOEdu>.inside
  private static let length = Engine<VFIOEdu>.length

  private static func engine() throws {
    let edu = try Engine(try VFIOEdu(.msi))
    let source = try DMABuffer(edu.edu.device, size: length, direction: .toDevice)
    let target = try DMABuffer(edu.edu.device, size: length, direction: .fromDevice)
    try edu.exchange(source, target, rounds: repetitions(200, short: 20))
    try edu.end()
  }

  /// The device says that it is done, and the memory is as it was.
  private static func stopped() throws {
    let edu = try Engine(try VFIOEdu(.msi))
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

  /// A device of UIO, whose addresses the guest's command line leaves as they are, and then not.
  private static func translated() throws {
    try Guest.withHugePages(1) {
      try Guest.translate(Guest.eduC, "DMA")
      try expectUIOError(.unsupported, ["type DMA", "--driver vfio-pci", "iommu=pt"]) {
        _ = try DMABuffer(try Guest.open(Guest.eduC), size: 4096)
      }
      try MemoryTests.finish(["translated"], "type DMA")
      try Guest.translate(Guest.eduC, "identity")
      try MemoryTests.finish(["engine"], "the engine moved the bytes 20 times")
    }
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
