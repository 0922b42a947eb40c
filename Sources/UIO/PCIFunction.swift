// A PCI function behind a UIO device: its address, its identity and its BARs, as sysfs shows them.

/// A PCI function.
public struct PCIFunction: Equatable, Sendable {
  /// Its place on the bus: identity across reboots, as long as the slot stays the same (fact 5).
  public let address: PCIAddress
  /// The vendor id of configuration space, as in 0x8086.
  public let vendor: UInt16
  /// The vendor's id for the kind of device.
  public let device: UInt16
  /// The kernel's interrupt number of the function's INTx line; 0 or nil when it has none.
  public let irq: Int?
  /// The BARs that have a size.
  public let bars: [PCIBar]

  // IORESOURCE_IO, _MEM and _PREFETCH of the kernel's ioport.h: the third column of the file
  // `resource`.
  private static let portFlag: UInt64 = 0x100
  private static let memoryFlag: UInt64 = 0x200
  private static let prefetchFlag: UInt64 = 0x2000

  /// Reads a function's folder in sysfs; nil when it is not one.
  package init?(sysfs: Sysfs, folder: String, address: PCIAddress) {
    guard
      let vendor = sysfs.optionalText("\(folder)/vendor").flatMap({
        Number.parse($0, as: UInt16.self)
      }),
      let device = sysfs.optionalText("\(folder)/device").flatMap({
        Number.parse($0, as: UInt16.self)
      })
    else { return nil }
    self.address = address
    self.vendor = vendor
    self.device = device
    irq = sysfs.optionalText("\(folder)/irq").flatMap { Number.parse($0) }
    bars = Self.bars(sysfs.optionalText("\(folder)/resource") ?? "")
  }

  /// Six lines `start end flags` come first in the file `resource`; the rest is ROM and bridge
  /// windows.
  static func bars(_ text: String) -> [PCIBar] {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).prefix(6)
    return lines.enumerated().compactMap { number, line in
      let columns = line.split(separator: " ").compactMap { Number.parse($0, as: UInt64.self) }
      guard columns.count == 3, columns[1] >= columns[0], columns[2] & (portFlag | memoryFlag) != 0,
        !(columns[0] == 0 && columns[1] == 0), columns[1] - columns[0] < .max
      else { return nil }
      return PCIBar(
        number: number, kind: columns[2] & portFlag != 0 ? .port : .memory, address: columns[0],
        size: columns[1] - columns[0] + 1, isPrefetchable: columns[2] & prefetchFlag != 0)
    }
  }
}
