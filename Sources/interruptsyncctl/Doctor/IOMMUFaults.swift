// Floor 7. What the IOMMUs have stopped, as the kernel's log tells it. VFIOExamination calls it, on
// the program's one thread; no lock. Pure functions of messages, so that tests can judge those of
// any machine.
import DeviceIdentity
import LinuxSystem

/// Accesses of one device that its IOMMU refused.
struct IOMMUFaults: Equatable {
  /// Messages; the kernel leaves out some of many.
  private(set) var count = 0
  /// The last one, without the machinery's name.
  private(set) var last = ""
  private(set) var time: Duration = .zero

  /// Those of the function, in the log's order.
  init(of address: PCIAddress, in log: [KernelMessage]) {
    for message in log where Self.device(of: message.text) == address {
      count += 1
      last = message.text
      time = message.time
    }
  }

  /// The device that a message is about; nil when it is no fault of an IOMMU.
  static func device(of text: String) -> PCIAddress? {
    // Intel: "DMAR: [DMA Write NO_PASID] Request device [00:0a.0] fault addr 0x100000 ..."
    if text.contains("DMAR:"), let address = address(in: text, after: "Request device [") {
      return address
    }
    // AMD, whose message begins with driver and address, or names the device among the details:
    // "vfio-pci 0000:01:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x000e address=0x0 flags=0x0]"
    if text.contains("IO_PAGE_FAULT") {
      let words = text.split(separator: " ")
      return address(in: text, after: "device=")
        ?? words.lazy.compactMap { PCIAddress($0.hasSuffix(":") ? $0.dropLast() : $0) }.first
    }
    // Arm, where the kernel names the device at all: "event: F_TRANSLATION client: 0000:01:00.0 sid: ..."
    return text.contains("smmu") ? address(in: text, after: "client: ") : nil
  }

  private static func address(in text: String, after mark: String) -> PCIAddress? {
    guard let place = text.firstRange(of: mark) else { return nil }
    let word = text[place.upperBound...].prefix { $0 != "]" && $0 != " " }
    // Without a domain it is the first one.
    return PCIAddress(word) ?? PCIAddress("0000:" + word)
  }
}
