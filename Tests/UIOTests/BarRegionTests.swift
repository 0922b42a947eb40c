// region(bar:) on files that stand in for resourceN.
import CUIO
import Glibc
import TestSupport
import Testing

@testable import UIO

private let page = Int(cuio_page_size())

private func pci(_ resource: String, _ files: [String: [UInt8]] = [:]) -> FakeDevice {
  FakeDevice(
    attributes: ["vendor": "0x1234", "device": "0x11e8", "resource": resource], files: files)
}

private func open(_ device: FakeDevice) throws -> (UIODevice, FakeTree) {
  let tree = try FakeTree(device)
  return (try UIODevice(.number(0), sysfs: tree.sysfs), tree)
}

private func failure(_ device: UIODevice, _ number: Int) -> UIOError? {
  do throws(UIOError) { _ = try device.region(bar: number) } catch { return error }
  return nil
}

private let gap = "0x0 0x0 0x0\n"
private let parent = "sys/devices/pci0/0000:00:03.0"

@Test func fact40_aMemoryBARIsMappedByItsOwnNumber() throws {
  let (device, tree) = try open(
    pci(gap + "0x80000000 0x80001fff 0x40200\n", ["resource1": Array(repeating: 0, count: 8192)]))
  let region = try device.region(bar: 1)
  #expect(region.kind == .memory && region.size == 0x2000)
  #expect(region.name == "uio0 (pci-0000:00:03.0) bar1")
  try region.write64(0x0102_0304_0506_0708, at: 0x1ff8)
  let bytes = try tree.bytes("\(parent)/resource1")
  #expect(Array(bytes[0x1ff8...]) == [8, 7, 6, 5, 4, 3, 2, 1])
  #expect(throws: UIOError.self) { try region.read64(at: 0x2000) }
}

@Test func aBARSmallerThanAPageBeginsWhereItsAddressSaysAndEndsWithItsSize() throws {
  let (device, tree) = try open(
    pci("0x80000400 0x800004ff 0x40200\n", ["resource0": Array(repeating: 0, count: page)]))
  let region = try device.region(bar: 0)
  #expect(region.size == 0x100)
  try region.write32(0x1234_5678, at: 0)
  let bytes = try tree.bytes("\(parent)/resource0")
  #expect(Array(bytes[0x400..<0x404]) == [0x78, 0x56, 0x34, 0x12])
  #expect(throws: UIOError.self) { try region.read32(at: 0x100) }
}

@Test func aBARThatIsNotThereSaysWhichAre() throws {
  let (device, _) = try open(
    pci("0x1000 0x1fff 0x200\n" + gap + gap + "0xc000 0xc01f 0x101\n"))
  let error = failure(device, 1)
  #expect(error?.code == .noSuchRegion)
  #expect(error?.cause == "the function has no BAR 1")
  #expect(error?.hint == "it has bar0, bar3")
  let (none, _) = try open(pci(gap))
  #expect(failure(none, 0)?.hint == "it has no BARs")
  for number in [-1, 6, Int.max] { #expect(failure(device, number)?.code == .noSuchRegion) }
}

@Test func aPlatformDeviceHasNoBARs() throws {
  let (device, _) = try open(FakeDevice(bus: "platform", parent: "fed00000.timer"))
  let error = failure(device, 0)
  #expect(error?.code == .noSuchRegion)
  #expect(error?.hint == "use its maps")
}

@Test(arguments: [
  "0x1 0xffffffffffffffff 0x200\n", "0x0 0x7fffffffffffffff 0x200\n",
  "0xfff 0x7ffffffffffffffe 0x200\n", "0xfffffffffffff010 0xffffffffffffffff 0x200\n",
  "0x0 0xfffffffffffffffe 0x101\n",
])
func aBARLargerThanTheAddressSpaceIsAnErrorAndDoesNotTrap(_ resource: String) throws {
  let (device, _) = try open(pci(resource, ["resource0": Array(repeating: 0, count: page)]))
  do throws(UIOError) {
    // The last bytes there are can be a BAR.
    #expect(try device.region(bar: 0).size <= page)
  } catch {
    #expect([.unmappable, .resourcesExhausted].contains(error.code), "\(error)")
  }
}

@Test(arguments: [
  (EACCES, UIOError.Code.permissionDenied), (ENOENT, .noSuchRegion), (EMFILE, .resourcesExhausted),
])
func fact4_openingABARSaysWhatItsErrorMeans(_ number: Int32, _ code: UIOError.Code) throws {
  let (device, _) = try open(pci("0x1000 0x1fff 0x200\n"))
  SystemError.$injected.withValue({ call, _ in call == .open ? number : nil }) {
    #expect(failure(device, 0)?.code == code)
    #expect(failure(device, 0)?.errorNumber == number)
  }
}

@Test(arguments: [
  (EPERM, UIOError.Code.permissionDenied), (EINVAL, .busy), (ENODEV, .removed),
])
func fact40_mappingABARSaysWhatItsErrorMeans(_ number: Int32, _ code: UIOError.Code) throws {
  let (device, _) = try open(
    pci("0x1000 0x1fff 0x200\n", ["resource0": Array(repeating: 0, count: page)]))
  SystemError.$injected.withValue({ call, _ in call == .map ? number : nil }) {
    #expect(failure(device, 0)?.code == code)
    #expect(failure(device, 0)?.operation == "map the PCI BAR")
  }
}

@Test func fact28_aBAROfARemovedDeviceIsRemovedAndNotAbsent() throws {
  let tree = try FakeTree(pci("0x1000 0x1fff 0x200\n"))
  let node = MortalNode()
  let device = UIODevice(
    try UIODeviceInfo(number: 0, sysfs: tree.sysfs), node: node.file, sysfs: tree.sysfs)
  try tree.unbind(0)
  node.kill()
  #expect(failure(device, 0)?.code == .removed)
}

@Test func fact5_theBAROfAnotherDeviceWithTheSameNumberIsNotMapped() throws {
  let files = ["resource0": [UInt8](repeating: 0, count: page)]
  let tree = try FakeTree(pci("0x1000 0x1fff 0x200\n", files))
  let node = MortalNode()
  let device = UIODevice(
    try UIODeviceInfo(number: 0, sysfs: tree.sysfs), node: node.file, sysfs: tree.sysfs)
  node.kill()
  try tree.unbind(0)
  var other = pci("0x1000 0x1fff 0x200\n", files)
  other.parent = "0000:00:04.0"
  other.node = .none
  try tree.add(other)
  #expect(failure(device, 0)?.code == .removed)
}
