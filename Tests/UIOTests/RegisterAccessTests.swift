// Reads and writes of registers: widths, layout, bounds, alignment, and a device that goes away.
import CUIO
import Glibc
import TestSupport
import Testing

@testable import UIO

/// A region over memory of its own, with a node that can be killed.
private final class Bench {
  let node = MortalNode()
  let gate: LivenessGate
  let region: RegisterRegion
  let memory: UnsafeMutableRawPointer

  init(size: Int = 32, offset: Int = 0, for nanoseconds: UInt64 = .max) throws {
    gate = LivenessGate(device: node.file, hasInterrupt: true, for: nanoseconds)
    memory = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    region = RegisterRegion(
      name: "uio0 map0", mapping: memory, length: 4096, offset: offset, size: size, gate: gate)
  }

  var bytes: [UInt8] { Array(UnsafeRawBufferPointer(start: memory, count: 32)) }
}

private func code(_ body: () throws(UIOError) -> Void) -> UIOError.Code? {
  do throws(UIOError) { try body() } catch { return error.code }
  return nil
}

/// Every read and write of a region, by width in bytes.
private let reads: [(Int, @Sendable (RegisterRegion, Int) throws(UIOError) -> UInt64)] = [
  (1, { (region, offset) throws(UIOError) in UInt64(try region.read8(at: offset)) }),
  (2, { (region, offset) throws(UIOError) in UInt64(try region.read16(at: offset)) }),
  (4, { (region, offset) throws(UIOError) in UInt64(try region.read32(at: offset)) }),
  (8, { (region, offset) throws(UIOError) in try region.read64(at: offset) }),
]
private let writes: [(Int, @Sendable (RegisterRegion, Int, UInt64) throws(UIOError) -> Void)] = [
  (
    1,
    { (region, offset, value) throws(UIOError) in
      try region.write8(UInt8(truncatingIfNeeded: value), at: offset)
    }
  ),
  (
    2,
    { (region, offset, value) throws(UIOError) in
      try region.write16(UInt16(truncatingIfNeeded: value), at: offset)
    }
  ),
  (
    4,
    { (region, offset, value) throws(UIOError) in
      try region.write32(UInt32(truncatingIfNeeded: value), at: offset)
    }
  ),
  (8, { (region, offset, value) throws(UIOError) in try region.write64(value, at: offset) }),
]

@Test(arguments: 0..<4)
func registersAreLittleEndianAndOfTheirWidth(_ index: Int) throws {
  let bench = try Bench()
  let (width, write) = writes[index]
  let value: UInt64 = 0x8877_6655_4433_2211
  try write(bench.region, width, value)
  var wanted = [UInt8](repeating: 0, count: 32)
  for i in 0..<width { wanted[width + i] = UInt8(truncatingIfNeeded: value >> (8 * i)) }
  #expect(bench.bytes == wanted)
  let mask = width == 8 ? UInt64.max : (1 << (8 * width)) - 1
  #expect(try reads[index].1(bench.region, width) == value & mask)
}

@Test(arguments: 0..<4)
func accessesOutsideTheRegionAreRefused(_ index: Int) throws {
  let bench = try Bench(size: 24)
  let (width, read) = reads[index]
  #expect(code { () throws(UIOError) in _ = try read(bench.region, 24 - width) } == nil)
  let outside = [24 - width + 1, 24, 32, 4096, Int.max, Int.max - width + 1, -1, -width, Int.min]
  for offset in outside {
    #expect(
      code { () throws(UIOError) in _ = try read(bench.region, offset) } == .outOfBounds,
      "\(width) bytes at \(offset)")
    #expect(
      code { () throws(UIOError) in try writes[index].1(bench.region, offset, 0) } == .outOfBounds)
  }
  #expect(bench.bytes == [UInt8](repeating: 0, count: 32))
}

@Test func aRegionSmallerThanTheWidthHoldsNone() throws {
  let bench = try Bench(size: 3)
  #expect(code { () throws(UIOError) in _ = try bench.region.read32(at: 0) } == .outOfBounds)
  #expect(code { () throws(UIOError) in _ = try bench.region.read16(at: 0) } == nil)
}

@Test(arguments: 1..<4)
func unalignedAccessesAreRefused(_ index: Int) throws {
  let bench = try Bench()
  let (width, read) = reads[index]
  for offset in 1..<width {
    #expect(
      code { () throws(UIOError) in _ = try read(bench.region, offset) } == .misaligned)
    #expect(
      code { () throws(UIOError) in try writes[index].1(bench.region, offset, 0) } == .misaligned)
  }
}

@Test func fact35_alignmentIsThatOfTheAddressNotOfTheOffset() throws {
  // Registers that begin two bytes into their page.
  let bench = try Bench(size: 16, offset: 2)
  #expect(code { () throws(UIOError) in _ = try bench.region.read32(at: 0) } == .misaligned)
  try bench.region.write32(0x0403_0201, at: 2)
  #expect(Array(bench.bytes[4..<8]) == [1, 2, 3, 4])
}

@Test func anErrorOfAnAccessNamesRegionOffsetAndSize() throws {
  let bench = try Bench(size: 24)
  let bounds = #expect(throws: UIOError.self) { try bench.region.read32(at: 24) }
  #expect(
    bounds?.description
      == "uio0 map0: access a register: 4 bytes at offset 24 leave the 24 bytes of the region\n"
      + "  hint: use an offset within the region, as the device's data sheet has it")
  let alignment = #expect(throws: UIOError.self) { try bench.region.read32(at: 2) }
  #expect(
    alignment?.description
      == "uio0 map0: access a register: offset 2 is not a multiple of the width 4\n"
      + "  hint: use a width that divides the offset")
}

@Test(arguments: 0..<4)
func fact29_aShutGateKeepsEveryAccessAway(_ index: Int) throws {
  let bench = try Bench()
  bench.gate.shut()
  #expect(
    code { () throws(UIOError) in _ = try reads[index].1(bench.region, 0) } == .removed)
  #expect(
    code { () throws(UIOError) in try writes[index].1(bench.region, 0, 0xff) } == .removed)
  #expect(bench.bytes[0] == 0)
}

@Test(arguments: 0..<4)
func fact29_allOnesAreBelievedOnlyOfALivingDevice(_ index: Int) throws {
  let bench = try Bench()
  let (_, read) = reads[index]
  try bench.region.write64(.max, at: 0)
  #expect(try read(bench.region, 0) & 0xff == 0xff)
  bench.node.kill()
  // The gate has not looked yet: another value is still believed.
  #expect(try read(bench.region, 8) == 0)
  #expect(code { () throws(UIOError) in _ = try read(bench.region, 0) } == .removed)
  #expect(code { () throws(UIOError) in _ = try read(bench.region, 8) } == .removed)
}

@Test func fact29_aRemovedDeviceIsNoticedWithoutAllOnesAfterTheInterval() throws {
  let bench = try Bench(for: 0)
  #expect(try bench.region.read32(at: 0) == 0)
  bench.node.kill()
  #expect(code { () throws(UIOError) in _ = try bench.region.read32(at: 0) } == .removed)
}

/// Registers whose memory has gone before the kernel said so.
@Test(arguments: 0..<4)
func aBusErrorIsARemovalAndNotTheEndOfTheProcess(_ index: Int) throws {
  for reading in [true, false] {
    let folder = try TemporaryFolder()
    try folder.write("registers", [UInt8](repeating: 0, count: 8192))
    let file = try FileDescriptor.open(folder.path("registers"), O_RDWR)
    let memory = try #require(
      mmap(nil, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file.raw, 0))
    let node = MortalNode()
    defer { withExtendedLifetime(node) {} }
    let gate = LivenessGate(device: node.file, hasInterrupt: true, for: .max)
    let region = RegisterRegion(
      name: "uio0 map0", mapping: memory, length: 8192, offset: 0, size: 8192, gate: gate)
    let other = RegisterRegion(
      name: "uio0 map1", mapping: mmap(nil, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      length: 4096, offset: 0, size: 4096, gate: gate)
    #expect(try region.read32(at: 0) == 0)
    #expect(ftruncate(file.raw, 0) == 0)
    let found = code { () throws(UIOError) in
      if reading {
        _ = try reads[index].1(region, 4096)
      } else {
        try writes[index].1(region, 4096, 1)
      }
    }
    #expect(found == .removed)
    // The device is gone for all its registers.
    #expect(code { () throws(UIOError) in _ = try other.read32(at: 0) } == .removed)
  }
}
