/// One base address register of a PCI function.
public struct PCIBar: Equatable, Sendable {
  /// What an access to it is.
  public enum Kind: Sendable { case memory, port }
  /// 0 to 5. Not the number of a UIO map: drivers leave gaps out (fact 40).
  public let number: Int
  public let kind: Kind
  /// Bus address as the processor sees it.
  public let address: UInt64
  /// Bytes.
  public let size: UInt64
  public let isPrefetchable: Bool
}
