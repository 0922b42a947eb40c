import Testing
import DeviceIdentity

@Test func pciAddressReadsWhatItPrints() {
  #expect(PCIAddress("0000:00:03.0")?.description == "0000:00:03.0")
  #expect(PCIAddress("00:1f.7") == PCIAddress(bus: 0, device: 31, function: 7))
  #expect(PCIAddress("00:20.0") == nil)
}

@Test(arguments: [
  ("0:0.0", "0000:00:00.0"), ("ff:1f.7", "0000:ff:1f.7"), ("ABCD:eF:0a.1", "abcd:ef:0a.1"),
  ("10000:00:00.0", "10000:00:00.0"), ("ffffffff:ff:1f.7", "ffffffff:ff:1f.7"),
  ("000000000:00:00.0", "0000:00:00.0"),
])
func pciAddressIsPaddedToTheKernelsForm(_ text: String, _ printed: String) {
  #expect(PCIAddress(text)?.description == printed)
}

@Test(arguments: [
  "", ":", "::", ".", "00", "00:03", "00:03.", "00:.0", ":03.0", "00:03.0.0", "00:03.8", "00:20.0",
  "100:00.0", "00:003.0", "00:03.00", "g0:00.0", "+0:00.0", "00:-3.0", "00:03.-0", "00:03.0 ",
  " 00:03.0", "100000000:00:00.0", "0x0:00:03.0", "0:0:0:0.0", "００:03.0", "00:03.0\n", "00:03.é",
])
func pciAddressRefusesWhatIsNone(_ text: String) {
  #expect(PCIAddress(text) == nil)
}

@Test(arguments: [
  ("1234:11e8", "1234:11e8"), ("8086:10D3", "8086:10d3"), ("1:2", "0001:0002"),
  ("0:ffff", "0000:ffff"),
])
func vendorAndDeviceArePaddedToTheFormOfLspci(_ text: String, _ printed: String) {
  #expect(PCIKind(text)?.description == printed)
}

@Test(arguments: [
  "", ":", "1234", "1234:", ":11e8", "12345:11e8", "1234:11e8:0", "00:03.0", "+1:2", "0x1234:1",
  "1234:11e8 ", "１２３４:11e8", "1234:*",
])
func vendorAndDeviceRefuseWhatIsNone(_ text: String) {
  #expect(PCIKind(text) == nil)
}
