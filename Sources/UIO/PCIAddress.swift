/// A PCI function's place: domain, bus, device, function.
public struct PCIAddress: Hashable, Sendable, CustomStringConvertible {
  /// The PCI segment; 0 on most machines.
  public let domain: UInt32
  /// 0 to 255.
  public let bus: UInt8
  /// The slot on the bus, 0 to 31.
  public let device: UInt8
  /// The function of the device, 0 to 7.
  public let function: UInt8

  /// An address from its numbers, which are not checked against their ranges.
  ///
  /// - Parameters:
  ///   - domain: the PCI segment.
  ///   - bus: 0 to 255.
  ///   - device: 0 to 31.
  ///   - function: 0 to 7.
  public init(domain: UInt32 = 0, bus: UInt8, device: UInt8, function: UInt8) {
    self.domain = domain
    self.bus = bus
    self.device = device
    self.function = function
  }

  /// Reads `0000:00:03.0` or `00:03.0` (domain 0), hexadecimal; nil for anything else.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2 || parts.count == 3 else { return nil }
    let domain = parts.count == 3 ? parts[0] : "0"
    let slot = parts[parts.count - 1].split(separator: ".", omittingEmptySubsequences: false)
    guard slot.count == 2, slot[0].count <= 2, slot[1].count == 1,
      let domain = Self.hexadecimal(domain, UInt32.self),
      let bus = Self.hexadecimal(parts[parts.count - 2], UInt8.self),
      let device = Self.hexadecimal(slot[0], UInt8.self), device < 32,
      let function = Self.hexadecimal(slot[1], UInt8.self), function < 8
    else { return nil }
    self.init(domain: domain, bus: bus, device: device, function: function)
  }

  private static func hexadecimal<T: FixedWidthInteger>(_ text: some StringProtocol, _: T.Type)
    -> T?
  {
    guard text.first?.isHexDigit == true else { return nil }
    return T(text, radix: 16)
  }

  /// `0000:00:03.0`, as sysfs names the function.
  public var description: String {
    "\(Self.padded(domain, 4)):\(Self.padded(bus, 2)):\(Self.padded(device, 2)).\(function)"
  }

  private static func padded(_ value: some BinaryInteger, _ width: Int) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
