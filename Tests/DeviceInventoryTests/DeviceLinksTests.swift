// The links of the udev rules: made of stable id and uio name, and only where they mean one device.
import DeviceIdentity
import TestSupport
import Testing

@testable import DeviceInventory

private func event(_ number: Int, _ name: String) -> FakeDevice {
  FakeDevice(
    number: number, bus: "platform", parent: "pruss", driver: "p", name: name, attributes: [:])
}

private func links(_ tree: FakeTree, _ number: Int) throws -> DeviceLinks {
  DeviceLinks(
    of: try UIODeviceInfo(number: number, sysfs: tree.sysfs), among: UIODeviceInfo.all(tree.sysfs))
}

@Test func deviceIsLinkedByItsStableIDAndItsName() throws {
  let tree = try FakeTree(FakeDevice(), event(1, "pruss/evt 1"))
  #expect(
    try links(tree, 0).own
      == ["uio/by-path/pci-0000:00:03.0", "uio/by-name/uio_pci_generic"])
  #expect(
    try links(tree, 1).own
      == ["uio/by-path/platform-pruss+pruss%2fevt%201", "uio/by-name/pruss%2fevt%201"])
  for number in 0...1 { #expect(try links(tree, number).shared.isEmpty) }
}

@Test func linkThatCouldMeanTwoDevicesIsNotMade() throws {
  let tree = try FakeTree(
    FakeDevice(), FakeDevice(number: 1, parent: "0000:00:04.0"), event(2, "evt"), event(3, "evt"))
  #expect(try links(tree, 0).own == ["uio/by-path/pci-0000:00:03.0"])
  #expect(try links(tree, 0).shared == ["uio/by-name/uio_pci_generic"])
  #expect(try links(tree, 2).own == [])
  #expect(try links(tree, 2).shared == ["uio/by-path/platform-pruss+evt", "uio/by-name/evt"])
}

@Test func linksNeverMeanAnotherSiblingWhicheverIsMissing() throws {
  let names = ["evt0", "evt1", "evt2", "evt3"]
  for missing in 0..<4 {
    let tree = try FakeTree()
    for (number, name) in names.enumerated() where number != missing {
      try tree.add(event(number, name))
    }
    for number in 0..<4 where number != missing {
      #expect(
        try links(tree, number).own
          == ["uio/by-path/platform-pruss+evt\(number)", "uio/by-name/evt\(number)"])
    }
  }
}

@Test func linkFromBeforeASecondDeviceCameIsFound() throws {
  let tree = try FakeTree(event(4, "evt"), event(7, "evt"))
  #expect(try links(tree, 7).stale(tree.sysfs) == [])
  try tree.folder("dev/uio/by-path")
  try tree.link("dev/uio/by-path/platform-pruss+evt", to: "../../uio4")
  #expect(try links(tree, 7).stale(tree.sysfs) == [4])
  #expect(try links(tree, 4).stale(tree.sysfs) == [4])
}

@Test func nameThatIsNoFileNameMakesNoLink() throws {
  for name in ["", ".", ".."] {
    #expect(
      try links(FakeTree(event(0, name)), 0).own.filter { $0.contains("by-name") } == [])
  }
}
