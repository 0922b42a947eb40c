// Device objects of UIO and VFIO devices: their resources, bus mastering and memory. The kernel's files are a test's,
// and so is the kernel behind VFIO; the tests of Tests/Windows have software devices, the guests real ones.
import CWindowsInterrupts
import Glibc
import LinuxSystem
import TestSupport
import Testing
import UIO
import VFIO

@testable import WindowsInterrupts

/// A resource of a device, as a driver reads it.
private struct Resource: Equatable {
  let type: Int32
  let start: Int64
  let length: UInt32
}

private func resources(_ list: PCM_RESOURCE_LIST?) -> [Resource] {
  guard let list else { return [] }
  let partial =
    UnsafeMutableRawPointer(list)
    + MemoryLayout<CM_RESOURCE_LIST>.offset(of: \.List)!
    + MemoryLayout<CM_FULL_RESOURCE_DESCRIPTOR>.offset(of: \.PartialResourceList)!
  let count = Int(partial.assumingMemoryBound(to: CM_PARTIAL_RESOURCE_LIST.self).pointee.Count)
  let first =
    (partial + MemoryLayout<CM_PARTIAL_RESOURCE_LIST>.offset(of: \.PartialDescriptors)!)
    .assumingMemoryBound(to: CM_PARTIAL_RESOURCE_DESCRIPTOR.self)
  return (0..<count).map { index in
    let entry = first[index]
    guard Int32(entry.Type) != CmResourceTypeInterrupt else {
      return Resource(type: CmResourceTypeInterrupt, start: 0, length: 0)
    }
    return Resource(
      type: Int32(entry.Type), start: entry.u.Memory.Start.QuadPart, length: entry.u.Memory.Length)
  }
}

private let page = 4096
private let interrupt = Resource(type: CmResourceTypeInterrupt, start: 0, length: 0)

private func memory(_ start: Int64, _ length: UInt32) -> Resource {
  Resource(type: CmResourceTypeMemory, start: start, length: length)
}

@Test func aPCIFunctionOfUIOHasItsLineAndItsBARs() throws {
  var attributes = FakeDevice.edu
  // The second BAR has no file: a driver finds one resource less.
  attributes["resource"] =
    "0x00000000febf0000 0x00000000febf0fff 0x0000000000040200\n"
    + "0x00000000febe0000 0x00000000febe0fff 0x0000000000040200\n"
  let tree = try FakeTree(
    FakeDevice(
      attributes: attributes,
      files: [
        "config": [UInt8](repeating: 0, count: 64), "resource0": [UInt8](repeating: 0, count: page),
      ]))
  let device = try WindowsDevice(
    UIODevice(.number(0), sysfs: tree.sysfs), extensionSize: 16)
  #expect(device.object.pointee.DeviceExtension != nil)
  #expect(resources(device.translated) == [interrupt, memory(0xfebf_0000, 4096)])
  let config = "sys/devices/pci0/0000:00:03.0/config"
  #expect(InterruptSyncSetBusMaster(device.object, 1) == 0)
  #expect(try tree.bytes(config)[4] & 4 != 0)
  #expect(InterruptSyncSetBusMaster(device.object, 0) == 0)
  #expect(try tree.bytes(config)[4] & 4 == 0)
}

@Test func aPlatformDeviceHasItsMapsAndNoBusToMaster() throws {
  let tree = try FakeTree(
    FakeDevice(
      bus: "platform", parent: "timer@10000", driver: "uio_pdrv_genirq",
      maps: [FakeDevice.Map(addr: "0x10000", size: "0x1000", offset: "0x80")], attributes: [:],
      node: .file(page)))
  let device = try WindowsDevice(
    UIODevice(.number(0), sysfs: tree.sysfs), extensionSize: 0)
  #expect(resources(device.translated) == [interrupt, memory(0x10080, 4096 - 0x80)])
  var address = PHYSICAL_ADDRESS()
  address.QuadPart = 0x10080
  let mapped = try #require(MmMapIoSpace(address, 8, MmNonCached))
  mapped.storeBytes(of: 0x1234_5678, as: UInt32.self)
  #expect(Array(try tree.bytes("dev/uio0")[0x80..<0x84]) == [0x78, 0x56, 0x34, 0x12])
  let notSupported = NTSTATUS(bitPattern: 0xC000_00BB)
  #expect(InterruptSyncSetBusMaster(device.object, 1) == notSupported)
}

@Test func commonBuffersOfAUIODeviceNeedItsPhysicalAddresses() throws {
  let tree = try FakeTree(
    FakeDevice(files: ["config": [UInt8](repeating: 0, count: 64)]))
  let device = try WindowsDevice(
    UIODevice(.number(0), sysfs: tree.sysfs), extensionSize: 0)
  #expect(device.hasMemory("test"))
  // The tree has no huge pages.
  guard case .failure(let error) = device.makeCommonBuffer("test", page, last: .max) else {
    Issue.record("memory without huge pages")
    return
  }
  #expect(error.code == .unsupported)
  try tree.folder("sys/kernel/iommu_groups/7/devices")
  try tree.write("sys/kernel/iommu_groups/7/type", "DMA\n")
  try tree.link("\(tree.parent(FakeDevice()))/iommu_group", to: "../../../kernel/iommu_groups/7")
  #expect(!device.hasMemory("test"))
}

@Test(arguments: [VFIOInterrupt.msix, .intx])
func aFunctionOfVFIOHasItsMessagesOrItsLineAndItsBARs(_ kind: VFIOInterrupt) throws {
  let fake = try FakeVFIO { $0.counts = [0: 1, 2: 4] }
  let folder = "sys/bus/pci/devices/\(FakeVFIO.address)"
  try fake.folder.write(
    "\(folder)/resource",
    "0x00000000fe000000 0x00000000fe001fff 0x0000000000040200\n"
      + "0x00000000fd000000 0x00000000fd000fff 0x0000000000040200\n")
  #expect(WindowsDevice.vfioFunction("pci-0000:01:00.0", sysfs: fake.sysfs) == FakeVFIO.address)
  #expect(WindowsDevice.vfioFunction("0000:01:00.1", sysfs: fake.sysfs) == nil)
  let device = try WindowsDevice(
    try fake.open(kind), extensionSize: 0, sysfs: fake.sysfs)
  #expect(device.lines.count == (kind == .intx ? 1 : 4))
  let found = resources(device.translated)
  #expect(found.contains(memory(0xfe00_0000, 8192)) && !found.contains { $0.start == 0xfd00_0000 })
  #expect(found.contains(interrupt))
  #expect(InterruptSyncSetBusMaster(device.object, 1) == 0)
  #expect(fake.configuration(at: 4) & 4 != 0)
}

@Test func commonBuffersOfVFIOAreMappedForTheDeviceUntilTheirEnd() throws {
  let fake = try FakeVFIO()
  let device = try WindowsDevice(try fake.open(), extensionSize: 0, sysfs: fake.sysfs)
  #expect(device.hasMemory("test"))
  var buffer: CommonBuffer? = try device.makeCommonBuffer("test", page, last: .max).get()
  let address = try #require(buffer?.logicalAddress)
  #expect(fake.mappings == ["0x\(String(address, radix: 16)) 4096 rw"])
  buffer?.address.storeBytes(of: 1, as: UInt8.self)
  buffer = nil
  #expect(fake.mappings == [])
  // Addresses that the device does not reach go back as well.
  if address > 0 {
    guard case .failure(let error) = device.makeCommonBuffer("test", page, last: 0xff) else {
      Issue.record("a buffer beyond the device's reach")
      return
    }
    #expect(error.code == .resourcesExhausted && fake.mappings == [])
  }
}
