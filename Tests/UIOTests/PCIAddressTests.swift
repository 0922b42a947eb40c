import Testing
import UIO

@Test func pciAddressReadsWhatItPrints() {
  #expect(PCIAddress("0000:00:03.0")?.description == "0000:00:03.0")
  #expect(PCIAddress("00:1f.7") == PCIAddress(bus: 0, device: 31, function: 7))
  #expect(PCIAddress("00:20.0") == nil)
}
