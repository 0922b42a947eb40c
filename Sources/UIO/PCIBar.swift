/// One base address register of a PCI function.
public struct PCIBar: Equatable, Sendable {
  /// What an access to it is.
  public enum Kind: Sendable {
    /// Loads and stores through a mapping.
    case memory
    /// I/O ports, read and written through sysfs (fact 38).
    case port
  }
  /// 0 to 5. Not the number of a UIO map: drivers leave gaps out (fact 40).
  public let number: Int
  /// Memory or ports, as the device declares it.
  public let kind: Kind
  /// Bus address as the processor sees it.
  public let address: UInt64
  /// Bytes.
  public let size: UInt64
  /// Whether reading has no side effects, as the device declares it.
  public let isPrefetchable: Bool
}
