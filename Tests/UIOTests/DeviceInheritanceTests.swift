// Taking over what an earlier process had open: by identity, and with the count of before.
import CUIO
import Glibc
import TestSupport
import Testing

@testable import UIO

/// /dev/null is a character device, 1:3, that is always readable.
private func found(_ tree: FakeTree, _ number: Int = 0) throws -> UIODeviceInfo {
  try UIODeviceInfo(number: number, sysfs: tree.sysfs)
}

private func opened(_ node: FileDescriptor, event: String) throws -> UIODevice {
  let tree = try FakeTree(FakeDevice(event: event))
  return UIODevice(try found(tree), node: node, sysfs: tree.sysfs)
}

@Test func fact6_anInheritedNodeThatHasSomethingToReadGoesOnFromTheSavedCount() throws {
  let tree = try FakeTree(FakeDevice(event: "12", dev: "1:3"))
  let (device, taken) = try #require(
    UIODevice.inherit(FakeNode.alive(), counted: 7, found(tree), sysfs: tree.sysfs))
  #expect(device.total.load(ordering: .relaxed) == 7)
  #expect(taken == 0)
}

@Test func inheritedNodeOfUnknownCountHasOneInterruptAtLeast() throws {
  let tree = try FakeTree(FakeDevice(event: "2147483648", dev: "1:3"))
  let (device, taken) = try #require(
    UIODevice.inherit(FakeNode.alive(), counted: nil, found(tree), sysfs: tree.sysfs))
  #expect(device.total.load(ordering: .relaxed) == 0x7fff_ffff)
  #expect(taken == 0)
}

@Test(
  arguments: [
    ("12", UInt32(7), UInt32(5)), ("12", 12, 0), ("12", nil, 0), ("2", 0xffff_ffff, 3),
    ("4294967295", 0xffff_fff0, 15),
  ] as [(String, UInt32?, UInt32)])
func interruptsThatWereReadAndNotSavedAreTold(
  event: String, counted: UInt32?, taken: UInt32
) throws {
  // Nothing to read.
  let device = try opened(FakeNode.refusing(), event: event)
  #expect(device.continueCounting(from: counted) == taken)
  let now = UInt32(truncatingIfNeeded: Int64(event) ?? 0)
  #expect(device.total.load(ordering: .relaxed) == now)
}

@Test func nodeOfAnotherDeviceIsNotInherited() throws {
  let tree = try FakeTree(FakeDevice(event: "12", dev: "245:0"))
  #expect(
    try UIODevice.inherit(FakeNode.alive(), counted: 7, found(tree), sysfs: tree.sysfs) == nil)
  let file = FileDescriptor(adopting: linux_event_create())
  #expect(try UIODevice.inherit(file, counted: 7, found(tree), sysfs: tree.sysfs) == nil)
}

@Test func fact5_anInstanceThatHasGoneIsNotInherited() throws {
  let node = MortalNode()
  let device = try opened(node.file, event: "3")
  node.kill()
  #expect(device.continueCounting(from: 1) == nil)
}

@Test func openFileIsComparedWithAPath() throws {
  let file = try FileDescriptor.open("/dev/null", O_RDWR)
  #expect(file.isFile(at: "/dev/null"))
  #expect(!file.isFile(at: "/dev/zero"))
  #expect(!file.isFile(at: "/nonexistent"))
  #expect(file.characterDevice.map { [$0.major, $0.minor] } == [1, 3])
  #expect(FileDescriptor(adopting: linux_event_create()).characterDevice == nil)
}

@Test func lineUsesTheConfigurationSpaceThatIsOpenAlready() throws {
  let tree = try FakeTree(FakeDevice(files: ["config": [UInt8](repeating: 0, count: 64)]))
  let info = try found(tree)
  let config = try FileDescriptor.open("\(info.parentFolder)/config", O_RDWR)
  let device = UIODevice(info, node: try FakeNode.alive(), sysfs: tree.sysfs)
  let line = try UIOLine(device, strategy: nil, configuration: config)
  #expect(line.configuration?.raw == config.raw)
  #expect(line.raw.pointee.rearm_fd == config.raw)
}
