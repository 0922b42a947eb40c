// What is read of a device, against trees as kernels lay them out.
import TestSupport
import Testing

@testable import DeviceIdentity

@Test func fact40_aPCIDeviceIsReadWithItsFunction() throws {
  let tree = try FakeTree(FakeDevice(event: "17", maps: [FakeDevice.Map()]))
  let all = UIODeviceInfo.all(tree.sysfs)
  let info = try #require(all.first)
  #expect(all.count == 1)
  #expect(info.number == 0)
  #expect(info.name == "uio_pci_generic")
  #expect(info.version == "0.01.0")
  #expect(info.event == 17)
  #expect(info.path == tree.path("dev/uio0"))
  #expect(info.stableID == "pci-0000:00:03.0")
  #expect(info.driver == "uio_pci_generic")
  #expect(
    info.maps == [
      UIOMap(
        index: 0, name: "0000:00:03.0", address: 0xfebf_0000, size: 0x10_0000, offset: 0)
    ])
  #expect(info.portRegions.isEmpty)
  let pci = try #require(info.pci)
  #expect(pci.address == PCIAddress(bus: 0, device: 3, function: 0))
  #expect(pci.vendor == 0x1234 && pci.device == 0x11e8 && pci.irq == 11)
  #expect(pci.bars.map(\.number) == [0])
  #expect(try UIODeviceInfo(number: 0, sysfs: tree.sysfs) == info)
}

@Test func fact50_aPlatformDeviceIsNamedByItsNodeInTheDeviceTree() throws {
  let tree = try FakeTree(
    FakeDevice(
      number: 7, bus: "platform", parent: "fed00000.timer", driver: "uio_pdrv_genirq",
      name: "timer", version: "devicetree", attributes: [:]))
  let info = try UIODeviceInfo(number: 7, sysfs: tree.sysfs)
  #expect(info.stableID == "platform-fed00000.timer")
  #expect(info.driver == "uio_pdrv_genirq")
  #expect(info.version == "devicetree")
  #expect(info.pci == nil)
}

@Test func aDeviceWithoutDriverAndBusStillReads() throws {
  let tree = try FakeTree()
  for attribute in ["name", "version", "event"] {
    try tree.write("sys/class/uio/uio3/\(attribute)", "0\n")
  }
  let info = try UIODeviceInfo(number: 3, sysfs: tree.sysfs)
  #expect(info.driver == nil)
  #expect(info.pci == nil)
  #expect(info.stableID == "virtual-unknown+0")
}

@Test func fact8_eventBeyondIntMaxIsReadAsUnsigned() throws {
  for (text, count) in [
    ("2147483648", UInt32(1) << 31), ("4294967295", .max), ("0", 0), ("-1", 0), ("", 0),
    ("99999999999999999999", 0), ("4294967297", 1),
  ] {
    let tree = try FakeTree(FakeDevice(event: text))
    #expect(try UIODeviceInfo(number: 0, sysfs: tree.sysfs).event == count, "\(text)")
  }
}

@Test func fact37_namesMayBeEmpty() throws {
  let tree = try FakeTree(
    FakeDevice(name: "", maps: [FakeDevice.Map(name: "")], ports: [FakeDevice.Port(name: "")]))
  let info = try UIODeviceInfo(number: 0, sysfs: tree.sysfs)
  #expect(info.name == "")
  #expect(info.maps.map(\.name) == [""])
  #expect(info.portRegions.map(\.name) == [""])
}

@Test func fact37_absentFoldersMeanNoMapsAndNoPorts() throws {
  let tree = try FakeTree(FakeDevice())
  let info = try UIODeviceInfo(number: 0, sysfs: tree.sysfs)
  #expect(info.maps.isEmpty && info.portRegions.isEmpty)
}

@Test func fact37_hexadecimalWithPaddingIsRead() throws {
  let map = FakeDevice.Map(
    name: "regs", addr: "0x0000000012345000", size: "0x0000000000001000", offset: "0x80")
  let wide = FakeDevice.Map(
    name: "", addr: "0xfffffffffffff000", size: "0xffffffffffffffff", offset: "0x0")
  let tree = try FakeTree(
    FakeDevice(
      maps: [map, wide],
      ports: [
        FakeDevice.Port(name: "p", start: "0x3f8", size: "0x8", type: "port_x86"),
        FakeDevice.Port(name: "q", start: "0x0", size: "0x10", type: "port_gpio"),
      ]))
  let info = try UIODeviceInfo(number: 0, sysfs: tree.sysfs)
  #expect(
    info.maps == [
      UIOMap(index: 0, name: "regs", address: 0x1234_5000, size: 0x1000, offset: 0x80),
      UIOMap(index: 1, name: "", address: 0xffff_ffff_ffff_f000, size: .max, offset: 0),
    ])
  #expect(
    info.portRegions == [
      UIOPortRegion(index: 0, name: "p", start: 0x3f8, size: 8, type: "port_x86"),
      UIOPortRegion(index: 1, name: "q", start: 0, size: 16, type: "port_gpio"),
    ])
}

@Test func fact35_usableSizeLeavesOutWhatLiesBeforeTheRegisters() {
  func usable(_ size: UInt64, _ offset: UInt64) -> UInt64 {
    UIOMap(index: 0, name: "", address: 0, size: size, offset: offset).usableSize
  }
  #expect(usable(0x2000, 0x80) == 0x1f80)
  #expect(usable(0x1000, 0) == 0x1000)
  #expect(usable(0x80, 0x80) == 0)
  #expect(usable(0x80, 0x81) == 0)
  #expect(usable(0, .max) == 0)
}

@Test func fact33_onlyTheFirstFiveMapsAreLookedAtAndGapsStay() throws {
  let tree = try FakeTree(
    FakeDevice(maps: [nil, FakeDevice.Map(), nil, nil, FakeDevice.Map(), FakeDevice.Map()]))
  #expect(try UIODeviceInfo(number: 0, sysfs: tree.sysfs).maps.map(\.index) == [1, 4])
}

@Test func aMapWithoutAReadableAddressOrSizeIsLeftOut() throws {
  let tree = try FakeTree(
    FakeDevice(maps: [
      FakeDevice.Map(addr: "nonsense"), FakeDevice.Map(size: ""), FakeDevice.Map(offset: "-4"),
    ]))
  let maps = try UIODeviceInfo(number: 0, sysfs: tree.sysfs).maps
  #expect(maps.map(\.index) == [2])
  #expect(maps.map(\.offset) == [0])
}
