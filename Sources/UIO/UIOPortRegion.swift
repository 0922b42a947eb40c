/// A region of I/O ports that a UIO driver names; it cannot be mapped (fact 38).
public struct UIOPortRegion: Equatable, Sendable {
  /// N of `portio/portN`, 0 to 4 (fact 37).
  public let index: Int
  /// The driver's name for it; may be empty, and need not be unique.
  public let name: String
  /// First port.
  public let start: UInt64
  /// Number of ports.
  public let size: UInt64
  /// `port_x86`, `port_gpio` or `port_other`.
  public let type: String
}
