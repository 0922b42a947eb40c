// region(map:) on a file that stands in for the node.
import CUIO
import Glibc
import TestSupport
import Testing

@testable import UIO

private let page = Int(cuio_page_size())

private func hex(_ value: Int) -> String { "0x" + String(value, radix: 16) }

/// A device with these maps over a node of five pages.
private func device(_ maps: FakeDevice.Map?...) throws -> (UIODevice, FakeTree) {
  let tree = try FakeTree(FakeDevice(maps: maps, node: .file(5 * page)))
  return (try UIODevice(.number(0), sysfs: tree.sysfs), tree)
}

private func failure(_ device: UIODevice, _ index: Int) -> UIOError? {
  do throws(UIOError) { _ = try device.region(map: index) } catch { return error }
  return nil
}

@Test func fact33_aMapIsChosenByPagesOfTheRunningKernel() throws {
  let map = FakeDevice.Map(addr: "0x0", size: hex(page))
  let (device, tree) = try device(map, nil, map)
  let first = try device.region(map: 0)
  let third = try device.region(map: 2)
  try first.write32(0x1111_1111, at: 0)
  try third.write32(0x3333_3333, at: 4)
  let bytes = try tree.bytes("dev/uio0")
  #expect(bytes[0] == 0x11)
  #expect(Array(bytes[2 * page..<2 * page + 8]) == [0, 0, 0, 0, 0x33, 0x33, 0x33, 0x33])
  #expect(first.size == page && third.size == page)
  #expect(third.name == "uio0 (pci-0000:00:03.0) map2")
  #expect(third.kind == .memory)
}

@Test func fact35_offsetIsAppliedAndWhatLiesBeforeTheRegistersIsLeftOut() throws {
  let (device, tree) = try device(
    FakeDevice.Map(addr: "0x0", size: hex(2 * page), offset: "0x80"))
  let region = try device.region(map: 0)
  #expect(region.size == 2 * page - 0x80)
  try region.write32(0xdead_beef, at: 0)
  try region.write8(0x5a, at: region.size - 1)
  let bytes = try tree.bytes("dev/uio0")
  #expect(Array(bytes[0x80..<0x84]) == [0xef, 0xbe, 0xad, 0xde])
  #expect(bytes[2 * page - 1] == 0x5a)
  #expect(throws: UIOError.self) { try region.read8(at: region.size) }
}

@Test func fact34_aMapSmallerThanAPageIsBoundedByItsSize() throws {
  let (device, _) = try device(FakeDevice.Map(addr: "0x0", size: "0x20", offset: "0x10"))
  let region = try device.region(map: 0)
  #expect(region.size == 0x10)
  #expect(try region.read32(at: 0xc) == 0)
  #expect(throws: UIOError.self) { try region.read32(at: 0x10) }
}

@Test func aMapThatIsNotThereSaysWhichAre() throws {
  let map = FakeDevice.Map(addr: "0x0", size: hex(page))
  let (some, _) = try device(map, nil, map)
  let error = failure(some, 1)
  #expect(error?.code == .noSuchRegion)
  #expect(error?.cause == "there is no map1")
  #expect(error?.hint == "the device has map0, map2")
  let (none, _) = try device()
  #expect(failure(none, 0)?.hint == "the device has no maps")
  for index in [-1, 5, Int.max, Int.min] { #expect(failure(some, index)?.code == .noSuchRegion) }
}

@Test func fact35_aMapAtAnUnalignedAddressIsUnmappable() throws {
  let (device, _) = try device(
    FakeDevice.Map(addr: "0xfebf0010", size: hex(page)),
    FakeDevice.Map(addr: hex(page / 2), size: hex(page)))
  #expect(failure(device, 0)?.code == .unmappable)
  #expect(failure(device, 0)?.cause.contains("not page-aligned") == true)
  #expect(failure(device, 1)?.code == .unmappable)
}

@Test(arguments: [
  ("0x0", "0x0"), ("0x80", "0x80"), ("0x80", "0x1000"), ("0x1000", "0xffffffffffffffff"),
])
func fact35_aMapWithoutUsableBytesIsUnmappable(_ size: String, _ offset: String) throws {
  let (device, _) = try device(FakeDevice.Map(addr: "0x0", size: size, offset: offset))
  #expect(failure(device, 0)?.code == .unmappable)
}

@Test(arguments: [
  ("0xffffffffffffffff", "0x0"), ("0x8000000000000000", "0x0"),
  ("0xffffffffffffffff", "0xfffffffffffffff0"), ("0x8000000000000000", "0x7fffffffffffffff"),
])
func aMapLargerThanTheAddressSpaceIsUnmappableAndDoesNotTrap(
  _ size: String, _ offset: String
) throws {
  let (device, _) = try device(FakeDevice.Map(addr: "0x0", size: size, offset: offset))
  #expect(failure(device, 0)?.code == .unmappable)
}

@Test func aMapThatDoesNotFitBesideTheOthersIsRefusedByTheKernel() throws {
  let (device, _) = try device(FakeDevice.Map(addr: "0x0", size: "0x7ffffffffffff000"))
  #expect(failure(device, 0)?.code == .resourcesExhausted)
}

@Test(arguments: [
  (EPERM, UIOError.Code.permissionDenied), (ENODEV, .unmappable), (ENOMEM, .resourcesExhausted),
  (EAGAIN, .resourcesExhausted),
])
func facts34And35_mmapSaysWhatItsErrorMeans(_ number: Int32, _ code: UIOError.Code) throws {
  let (device, _) = try device(FakeDevice.Map(addr: "0x0", size: hex(page)))
  SystemError.$injected.withValue({ call, _ in call == .map ? number : nil }) {
    #expect(failure(device, 0)?.code == code)
    #expect(failure(device, 0)?.errorNumber == number)
  }
}

@Test func fact34_einvalOnALivingDeviceIsTheMapsFaultAndOnADeadOneRemoval() throws {
  let tree = try FakeTree(FakeDevice(maps: [FakeDevice.Map(addr: "0x0", size: "0x1800")]))
  let info = try UIODeviceInfo(number: 0, sysfs: tree.sysfs)
  let node = MortalNode()
  let device = UIODevice(info, node: node.file, sysfs: tree.sysfs)
  SystemError.$injected.withValue({ call, _ in call == .map ? EINVAL : nil }) {
    #expect(failure(device, 0)?.code == .unmappable)
    #expect(failure(device, 0)?.cause.contains("whole number of pages") == true)
    node.kill()
    #expect(failure(device, 0)?.code == .removed)
  }
}
