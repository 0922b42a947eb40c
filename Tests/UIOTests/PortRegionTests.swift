// I/O BARs, reached through a file (fact 38).
import Glibc
import TestSupport
import Testing

@testable import UIO

private let parent = "sys/devices/pci0/0000:00:03.0"

private struct Bench {
  let tree: FakeTree
  let node = MortalNode()
  let device: UIODevice

  /// An I/O BAR of 8 ports over a file of `size` bytes.
  init(size: Int = 8) throws {
    tree = try FakeTree(
      FakeDevice(
        attributes: [
          "vendor": "0x1234", "device": "0x11e8", "resource": "0xc000 0xc007 0x40101\n",
        ], files: ["resource0": [UInt8](repeating: 0, count: size)]))
    device = UIODevice(
      try UIODeviceInfo(number: 0, sysfs: tree.sysfs), node: node.file, sysfs: tree.sysfs)
  }

  func bytes() throws -> [UInt8] { try tree.bytes("\(parent)/resource0") }
}

private func code(_ body: () throws(UIOError) -> Void) -> UIOError.Code? {
  do throws(UIOError) { try body() } catch { return error.code }
  return nil
}

@Test func fact38_portsAreReadAndWrittenAtTheirWidth() throws {
  let bench = try Bench()
  let region = try bench.device.region(bar: 0)
  #expect(region.kind == .port && region.size == 8)
  try region.write8(0xa5, at: 1)
  try region.write16(0x1234, at: 2)
  try region.write32(0xdead_beef, at: 4)
  #expect(try bench.bytes() == [0, 0xa5, 0x34, 0x12, 0xef, 0xbe, 0xad, 0xde])
  #expect(try region.read8(at: 1) == 0xa5)
  #expect(try region.read16(at: 2) == 0x1234)
  #expect(try region.read32(at: 4) == 0xdead_beef)
}

@Test func portsTakeNoSixtyFourBits() throws {
  let bench = try Bench()
  let region = try bench.device.region(bar: 0)
  #expect(code { () throws(UIOError) in _ = try region.read64(at: 0) } == .misaligned)
  #expect(code { () throws(UIOError) in try region.write64(1, at: 0) } == .misaligned)
  let error = #expect(throws: UIOError.self) { try region.read64(at: 0) }
  #expect(error?.cause == "8 bytes at offset 0: ports take 1, 2 or 4 bytes at a time")
  #expect(try bench.bytes() == [UInt8](repeating: 0, count: 8))
}

@Test func portAccessesKeepToBoundsAndAlignment() throws {
  let bench = try Bench(size: 16)
  let region = try bench.device.region(bar: 0)
  for offset in [5, 6, 8, -4, Int.max] {
    #expect(code { () throws(UIOError) in try region.write32(.max, at: offset) } == .outOfBounds)
  }
  for offset in [1, 2, 3] {
    #expect(code { () throws(UIOError) in try region.write32(.max, at: offset) } == .misaligned)
  }
  #expect(code { () throws(UIOError) in try region.write16(.max, at: 1) } == .misaligned)
  #expect(try bench.bytes() == [UInt8](repeating: 0, count: 16))
}

@Test func fact28_aFileThatAnswersNothingIsARemovedDevice() throws {
  // The file ends before the BAR does.
  let bench = try Bench(size: 2)
  let region = try bench.device.region(bar: 0)
  #expect(try region.read16(at: 0) == 0)
  #expect(code { () throws(UIOError) in _ = try region.read16(at: 4) } == .removed)
}

@Test func fact29_portsOfARemovedDeviceAreNotTouched() throws {
  let bench = try Bench()
  let region = try bench.device.region(bar: 0)
  bench.node.kill()
  #expect(!bench.device.isAlive)
  #expect(code { () throws(UIOError) in try region.write8(0xff, at: 0) } == .removed)
  #expect(code { () throws(UIOError) in _ = try region.read8(at: 0) } == .removed)
  #expect(try bench.bytes() == [UInt8](repeating: 0, count: 8))
}
