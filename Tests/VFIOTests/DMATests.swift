// Memory for devices: the addresses that are given away, and what refuses them (V33, V34).
import CVFIO
import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import VFIO

private let window: [cvfio_dma_range] = [
  cvfio_dma_range(first: 0, last: 0xfedf_ffff),
  cvfio_dma_range(first: 0xfef0_0000, last: 0xffff_ffff_ffff),
]

@Test func V33_addressesAreGivenAwayLowestFirstAndTakenBack() throws {
  var addresses = DMAAddresses(window)
  #expect(addresses.take(4096, alignment: 4096) == 0x10_0000)
  #expect(addresses.take(8192, alignment: 4096) == 0x10_1000)
  #expect(addresses.take(4096, alignment: 0x10_0000) == 0x20_0000)
  // The gap before the aligned one.
  #expect(addresses.take(4096, alignment: 4096) == 0x10_3000)
  addresses.give(0x10_1000)
  #expect(addresses.take(12288, alignment: 4096) == 0x10_4000)
  #expect(addresses.take(8192, alignment: 4096) == 0x10_1000)
}

@Test func V33_theWindowOfTheMessagesIsLeftOut() throws {
  var addresses = DMAAddresses(window)
  #expect(addresses.take(0xfed0_0000, alignment: 4096) == 0x10_0000)
  #expect(addresses.take(4096, alignment: 4096) == 0xfef0_0000)
  #expect(addresses.take(1 << 48, alignment: 4096) == nil)
  #expect(addresses.take(4096, alignment: 1 << 63) == nil)
}

@Test func addressesUpToTheLastOneAreGivenAwayOnce() throws {
  var addresses = DMAAddresses([cvfio_dma_range(first: 0, last: .max)])
  let half: UInt64 = 1 << 63
  #expect(addresses.take(half, alignment: half) == half)
  #expect(addresses.take(half, alignment: 4096) == nil)
  #expect(addresses.take(half - (1 << 20), alignment: 4096) == 1 << 20)
  #expect(addresses.take(4096, alignment: 4096) == nil)
}

@Test func V33_aBufferIsMappedAtItsAddressAndUnmappedWithItsLastReference() throws {
  let fake = try FakeVFIO()
  let device = try fake.open()
  var first: DMABuffer? = try DMABuffer(device, size: 100)
  let second = try DMABuffer(device, size: 4097, alignment: 0x10000, direction: .toDevice)
  let third = try DMABuffer(device, size: 1, direction: .fromDevice)
  #expect(first?.deviceAddress == 0x10_0000 && first?.bytes.count == 100)
  #expect(second.deviceAddress == 0x11_0000 && third.deviceAddress == 0x10_1000)
  #expect(
    fake.mappings == ["0x100000 4096 rw", "0x101000 4096 w", "0x110000 8192 r"])
  first?.bytes[99] = 7
  #expect(first?.bytes.reduce(0, { $0 + Int($1) }) == 7)
  first = nil
  #expect(fake.mappings == ["0x101000 4096 w", "0x110000 8192 r"])
  #expect(try DMABuffer(device, size: 4096).deviceAddress == 0x10_0000)
  second.synchronizeForDevice()
  third.synchronizeForProgram()
}

@Test func V34_theLimitOfLockedMemoryIsTyped() throws {
  let fake = try FakeVFIO { $0.mapping = -ENOMEM }
  let device = try fake.open()
  do throws(UIOError) {
    _ = try DMABuffer(device, size: 1 << 20)
    Issue.record("it was mapped")
  } catch {
    #expect(error.code == .resourcesExhausted && error.errno?.rawValue == ENOMEM)
    #expect(error.hint.contains("LimitMEMLOCK="))
  }
  fake.state.withLock { $0.mapping = 0 }
  // The address that the failure had is free.
  #expect(try DMABuffer(device, size: 1).deviceAddress == 0x10_0000)
}

@Test(arguments: [(0, 1), (-1, 1), (Int.max, 1), (4096, 0), (4096, 3), (4096, -4096)])
func sizesAndAlignmentsThatMakeNoBufferAreRefused(_ size: Int, _ alignment: Int) throws {
  let device = try FakeVFIO().open()
  do throws(UIOError) {
    _ = try DMABuffer(device, size: size, alignment: alignment)
    Issue.record("it was made")
  } catch { #expect(error.code == .malformed) }
}

@Test func V35_memoryOfAReturnedDeviceStaysTheProgramsAndNoMoreIsMade() throws {
  let fake = try FakeVFIO()
  let reports = Counts()
  let device = try fake.open { _ in reports.add() }
  let buffer = try DMABuffer(device, size: 4096)
  fake.wantBack()
  try eventually("the report") { reports.value == 1 }
  buffer.bytes[0] = 1
  #expect(buffer.bytes[0] == 1)
  do throws(UIOError) {
    _ = try DMABuffer(device, size: 4096)
    Issue.record("it was made")
  } catch { #expect(error.code == .removed) }
}

@Test func aBufferIsReadAndWrittenAsRegistersAndInBulkWithinItsBounds() throws {
  let fake = try FakeVFIO()
  var buffer: DMABuffer? = try DMABuffer(try fake.open(), size: 100)
  let region = try #require(buffer?.region())
  try region.write32(0x0403_0201, at: 96)
  #expect(try buffer?.read(4, at: 96) == [1, 2, 3, 4])
  try buffer?.write([9, 8, 7][1...], at: 98)
  #expect(try region.read32(at: 96) == 0x0708_0201)
  // All ones are a value as any other.
  try region.write64(.max, at: 0)
  #expect(try region.read64(at: 0) == .max)
  #expect(throws: UIOError.self) { try region.read32(at: 98) }
  #expect(throws: UIOError.self) { try region.write8(0, at: 100) }
  // The region keeps the memory.
  buffer = nil
  #expect(fake.mappings.count == 1)
  #expect(try region.read32(at: 96) == 0x0708_0201)
}

@Test(arguments: [(-1, 1), (100, 1), (0, 101), (1, Int.max), (Int.max, 1), (0, -1)])
func bytesBeyondABufferAreNeitherReadNorWritten(_ offset: Int, _ count: Int) throws {
  let buffer = try DMABuffer(try FakeVFIO().open(), size: 100)
  do throws(UIOError) {
    _ = try buffer.read(count, at: offset)
    Issue.record("it was read")
  } catch { #expect(error.code == .outOfBounds && error.cause.contains("the 100 bytes")) }
  guard (0...101).contains(count) else { return }
  do throws(UIOError) {
    try buffer.write([UInt8](repeating: 1, count: count), at: offset)
    Issue.record("it was written")
  } catch { #expect(error.code == .outOfBounds) }
  #expect(buffer.bytes.allSatisfy { $0 == 0 })
}
