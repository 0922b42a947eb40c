/// A region of I/O ports that a UIO driver names; it cannot be mapped (fact 38).
public struct UIOPortRegion: Equatable, Sendable {
  public let index: Int
  public let name: String
  /// First port.
  public let start: UInt64
  /// Number of ports.
  public let size: UInt64
  /// `port_x86`, `port_gpio` or `port_other`.
  public let type: String
}
