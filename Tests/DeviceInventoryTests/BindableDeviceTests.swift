import DeviceIdentity
import Glibc
import TestSupport
import Testing

@testable import DeviceInventory

private let edu = "0000:00:03.0"

private func all(_ machine: FakeMachine) -> [BindableDevice] { BindableDevice.all(machine.system) }

@Test func listOfBindableDevicesHasNamesClassesAndDrivers() throws {
  let machine = try FakeMachine()
  try machine.addNames()
  try machine.addCard(edu, "0x1234", "0x11e8")
  try machine.addCard("0000:00:04.0", "0x8086", "0x10d3", code: "0x020000", driver: "e1000e")
  try machine.addCard(
    "0000:00:05.0", "0x8086", "0xabcd", code: "0x028000", driver: "uio_pci_generic")
  try machine.addCard("0000:00:06.0", "0xffaa", "0x0001", code: "0xabcd00", driver: "vfio-pci")
  let found = all(machine)
  #expect(found.map(\.kind) == ["1234:11e8", "8086:10d3", "8086:abcd", "ffaa:0001"])
  // Without the sequence that a terminal would obey.
  #expect(
    found.map(\.name) == [
      "Technical Corp. QEMU edu[31m", "Intel Corporation 82574L Gigabit Network Connection",
      "Intel Corporation Device abcd", nil,
    ])
  // A subclass without a name has its class's, a class without a name its number.
  #expect(
    found.map(\.className) == [
      "Unclassified device", "Ethernet controller", "Network controller", "class abcd",
    ])
  #expect(found.map(\.taking) == [.free, .stops(driver: "e1000e", losing: []), .done, .done])
}

@Test(arguments: ["usr/share/misc/pci.ids", "usr/share/hwdata/pci.ids"])
func namesAreFoundWhereDistributionsHaveThem(path: String) throws {
  let machine = try FakeMachine()
  try machine.addNames(at: path)
  try machine.addCard(edu, "0x8086", "0x10d3")
  #expect(all(machine).first?.name == "Intel Corporation 82574L Gigabit Network Connection")
}

@Test func machineWithoutNamesHasNumbers() throws {
  let machine = try FakeMachine()
  try machine.addCard(edu, "0x1234", "0x11e8", code: "0x020000")
  let card = try #require(all(machine).first)
  #expect(card.kind == "1234:11e8")
  #expect(card.name == nil)
  #expect(card.className == "class 0200")
}

@Test(arguments: ["0x060000", "0x060100", "0x060400"])
func bridgesAreLeftOut(code: String) throws {
  let machine = try FakeMachine()
  try machine.addCard(edu, "0x8086", "0x29c0", code: code)
  #expect(all(machine).isEmpty)
}

@Test func listSaysWhatBindingWouldStop() throws {
  let machine = try FakeMachine()
  let folder = machine.folder
  try machine.addCard(edu, "0x8086", "0x10d3", driver: "e1000e")
  for (kind, name) in [
    ("net", "eth0"), ("block", "sda"), ("block", "sda1"), ("drm", "card0"),
    ("drm", "card0-HDMI-A-1"), ("sound", "card1"), ("sound", "pcmC1D0p"),
  ] {
    let path = "sys/devices/pci0/\(edu)/\(kind)/\(name)"
    try folder.folder(path)
    try folder.link("sys/class/\(kind)/\(name)", to: folder.path(path))
    if name == "sda1" { try folder.write("\(path)/partition", "1\n") }
  }
  // Of another card.
  try folder.folder("sys/class/net/lo")
  #expect(
    all(machine).first?.taking
      == .stops(driver: "e1000e", losing: ["eth0", "sda", "card1", "card0"]))
  try folder.write(
    "proc/net/route",
    "Iface Destination Gateway Flags RefCnt Use Metric Mask\n"
      + "eth0 00000000 0102A8C0 0003 0 0 0 00000000 0 0 0\n")
  let card = try #require(all(machine).first)
  #expect(card.taking == .refused(use: "the default route goes through eth0"))
  // bind refuses for the same reason.
  let binding = DriverBinding(card.device, system: machine.system)
  #expect(throws: UIOError.self) { try binding.bind(to: "uio_pci_generic") }
}

@Test func platformDevicesAreThoseThatFirmwareDescribes() throws {
  let machine = try FakeMachine()
  try machine.addPlatformDevice("4a300000.timer", compatible: "xlnx,xps-timer-1.00.a\0xlnx,timer\0")
  try machine.addPlatformDevice("Fixed MDIO bus.0", compatible: nil, driver: "mdio")
  try machine.addPlatformDevice("board.0", compatible: nil, driver: "uio_pdrv_genirq")
  try machine.add("PNP0103:00", bus: "platform", driver: "hpet")
  try machine.folder.write("sys/devices/platform0/PNP0103:00/firmware_node/hid", "PNP0103\n")
  let found = all(machine)
  #expect(found.map(\.device.name) == ["4a300000.timer", "PNP0103:00", "board.0"])
  #expect(found.map(\.kind) == ["xlnx,xps-timer-1.00.a", "PNP0103", nil])
  #expect(found.map(\.taking) == [.free, .stops(driver: "hpet", losing: []), .done])
}

// MARK: By vendor and device

@Test(arguments: ["1234:11e8", "1234:11E8"])
func deviceIsFoundByVendorAndDevice(text: String) throws {
  let machine = try FakeMachine()
  try machine.addCard(edu, "0x1234", "0x11e8")
  try machine.addCard("0000:00:04.0", "0x1234", "0x1111")
  #expect(try BusDevice(text, sysfs: machine.system.sysfs).name == edu)
}

@Test func vendorAndDeviceOfSeveralNamesThem() throws {
  let machine = try FakeMachine()
  for address in ["0000:00:07.0", edu] { try machine.addCard(address, "0x1234", "0x11e8") }
  do throws(UIOError) {
    _ = try BusDevice("1234:11e8", sysfs: machine.system.sysfs)
    Issue.record("one of two was taken")
  } catch {
    #expect(error.code == .ambiguous)
    #expect(error.cause.contains("\(edu), 0000:00:07.0"))
    #expect(error.hint.contains("by its address"))
  }
}

@Test func vendorAndDeviceOfNoneIsNotFound() throws {
  let machine = try FakeMachine()
  try machine.addCard(edu, "0x1234", "0x11e8")
  do throws(UIOError) {
    _ = try BusDevice("1234:11e9", sysfs: machine.system.sysfs)
    Issue.record("found")
  } catch {
    #expect(error.code == .notFound)
    #expect(error.hint.contains("list --all"))
  }
}
