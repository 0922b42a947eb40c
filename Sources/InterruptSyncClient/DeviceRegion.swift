/// A range of registers of a device.
public struct DeviceRegion: Equatable, Sendable {
  /// How it is reached.
  public enum Kind: String, Sendable {
    /// Loads and stores.
    case memory
    /// Input and output of x86.
    case port
  }

  /// `barN`, `mapN` or `portN`.
  public let name: String
  /// How it is reached.
  public let kind: Kind
  /// The physical address, or the first port.
  public let address: UInt64
  /// Bytes.
  public let size: UInt64

  init(_ reader: ReplyReader) throws(InterruptSyncClientError) {
    name = try reader.string("name")
    guard let kind = Kind(rawValue: try reader.string("kind")) else {
      throw reader.violation("a region of an unknown kind")
    }
    self.kind = kind
    address = try reader.count("address")
    size = try reader.count("size")
  }
}
