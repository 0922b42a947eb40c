// A PCI function's BARs, as the file `resource` lists them.
import TestSupport
import Testing

@testable import DeviceIdentity

private let gap = "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"

@Test func barsOfEveryKindAreRead() {
  let bars = PCIFunction.bars(
    """
    0x00000000febf0000 0x00000000febf0fff 0x0000000000040200
    0x000000000000c000 0x000000000000c01f 0x0000000000040101
    0x0000008000000000 0x00000080001fffff 0x000000000014220c
    \(gap)0x00000000fe000000 0x00000000fe00ffff 0x0000000000042208
    \(gap)0x00000000fec00000 0x00000000fec3ffff 0x0000000000046200
    """)
  #expect(
    bars == [
      PCIBar(
        number: 0, kind: .memory, address: 0xfebf_0000, size: 0x1000, isPrefetchable: false),
      PCIBar(number: 1, kind: .port, address: 0xc000, size: 0x20, isPrefetchable: false),
      PCIBar(
        number: 2, kind: .memory, address: 0x80_0000_0000, size: 0x20_0000, isPrefetchable: true),
      PCIBar(
        number: 4, kind: .memory, address: 0xfe00_0000, size: 0x1_0000, isPrefetchable: true),
    ])
}

@Test func linesBehindTheSixBarsAreNotBars() {
  let rom = "0x00000000fec00000 0x00000000fec3ffff 0x0000000000046200\n"
  #expect(PCIFunction.bars(String(repeating: gap, count: 6) + rom).isEmpty)
  #expect(PCIFunction.bars(String(repeating: gap, count: 5) + rom).map(\.number) == [5])
}

@Test(arguments: [
  "", "\n", "one two three", "0x1000 0x0fff 0x200", "0x1000 0x1fff", "0x1000 0x1fff 0x200 0x0",
  "0x1000 0x1fff 0x0", "0x0 0x0 0x200", "0x0 0xffffffffffffffff 0x200",
  "-1 0x1fff 0x200",
])
func aLineThatIsNoBarIsAGap(_ line: String) {
  #expect(PCIFunction.bars(line).isEmpty)
}

@Test func aLineThatIsNoBarDoesNotMoveTheOnesBehindIt() {
  #expect(
    PCIFunction.bars("nonsense\n\n0x1000 0x1fff 0x200\n").map(\.number) == [2])
}

@Test func theLargestBarThatHasASizeIsRead() {
  let bars = PCIFunction.bars("0x1 0xffffffffffffffff 0x200")
  #expect(bars.map(\.size) == [.max])
}

private func function(_ attributes: [String: String], bus: String = "pci") throws -> PCIFunction? {
  let tree = try FakeTree(FakeDevice(bus: bus, attributes: attributes))
  return try UIODeviceInfo(number: 0, sysfs: tree.sysfs).pci
}

@Test func aFunctionWithoutIdentityIsNone() throws {
  #expect(try function(["vendor": "0x8086", "device": "0x100e"])?.vendor == 0x8086)
  #expect(try function(["vendor": "0x8086"]) == nil)
  #expect(try function(["device": "0x100e"]) == nil)
  #expect(try function(["vendor": "0x18086", "device": "0x100e"]) == nil)
  #expect(try function(["vendor": "0x8086", "device": "0x100e"], bus: "platform") == nil)
}

@Test func aFunctionWithoutResourceFileHasNoBars() throws {
  #expect(try function(["vendor": "0x8086", "device": "0x100e"])?.bars == [])
}

@Test func theInterruptNumberMayBeAbsent() throws {
  let identity = ["vendor": "0x8086", "device": "0x100e"]
  #expect(try function(identity)?.irq == nil)
  for (text, irq) in [("0", 0), ("11", 11)] {
    #expect(try function(identity.merging(["irq": text]) { $1 })?.irq == irq)
  }
}

@Test func fact40_aMapsNumberIsNotItsBARsNumber() throws {
  let tree = try FakeTree(
    FakeDevice(
      maps: [
        FakeDevice.Map(addr: "0xfe000000", size: "0x1000"),
        FakeDevice.Map(addr: "0xfe200000", size: "0x2000"),
      ],
      attributes: [
        "vendor": "0x1234", "device": "0x11e8",
        "resource": gap + "0xfe000000 0xfe000fff 0x40200\n" + gap
          + "0xc000 0xc01f 0x40101\n0xfe200000 0xfe201fff 0x40200\n",
      ]))
  let info = try UIODeviceInfo(number: 0, sysfs: tree.sysfs)
  let barOfMap = info.maps.map { map in
    info.pci?.bars.first { $0.address == map.address }?.number
  }
  #expect(info.maps.map(\.index) == [0, 1])
  #expect(barOfMap == [1, 4])
}
