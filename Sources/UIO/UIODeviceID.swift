/// A way to name a UIO device. Numbers are the order of allocation and not identity (fact 5): what
/// should still be right after a reboot or a replug names the PCI function, the platform device, or
/// a unique uio name.
public enum UIODeviceID: Equatable, Sendable, CustomStringConvertible {
  /// `uio3`, `/dev/uio3` or `3`.
  case number(Int)
  /// Another path, such as a link made by udev.
  case path(String)
  /// Stable: what `UIODeviceInfo.stableID` says, for instance `pci-0000:00:03.0` or
  /// `platform-fed00000.timer`.
  case stable(String)
  /// The uio name, as `/sys/class/uio/uioN/name` has it.
  case name(String)

  /// Reads what a person would type: a number, `uioN`, a path, `pci-…`, `platform-…`, a bare PCI
  /// address, or a name.
  /// - Throws: `malformed` for an empty text.
  public init(_ text: String) throws(UIOError) {
    if let number = Self.number(text) {
      self = .number(number)
    } else if text.hasPrefix("/") {
      self = .path(text)
    } else if let address = PCIAddress(text) {
      self = .stable("pci-\(address)")
    } else if text.hasPrefix("pci-") {
      // A second device of one function carries +1, +2 … behind the address.
      let parts = text.dropFirst(4).split(
        separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
      guard let address = PCIAddress(parts[0]), parts.count == 1 || Self.isPosition(parts[1]) else {
        throw UIOError(
          .malformed, device: text, operation: "name a device", cause: "not a PCI address",
          hint: "write pci-DOMAIN:BUS:DEVICE.FUNCTION, for instance pci-0000:00:03.0")
      }
      self = .stable("pci-\(address)" + (parts.count > 1 ? "+\(parts[1])" : ""))
    } else if text.hasPrefix("platform-") {
      self = .stable(text)
    } else if !text.isEmpty {
      self = .name(text)
    } else {
      throw UIOError(
        .malformed, device: "\"\"", operation: "name a device", cause: "the name is empty",
        hint: "give a node (/dev/uio0), a stable id (pci-0000:00:03.0) or a uio name")
    }
  }

  // 1, 2 …, without leading zeros.
  private static func isPosition(_ text: Substring) -> Bool {
    guard let position = Number.parse(text, as: Int.self) else { return false }
    return position > 0 && "\(position)" == text
  }

  private static func number(_ text: String) -> Int? {
    var digits = text[...]
    if digits.hasPrefix("/dev/uio") { digits = digits.dropFirst(5) }
    if digits.hasPrefix("uio") { digits = digits.dropFirst(3) }
    guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
    return Int(digits)
  }

  /// `uio3`, the path, the stable id or the name, as messages name the device.
  public var description: String {
    switch self {
    case .number(let number): "uio\(number)"
    case .path(let path): path
    case .stable(let id): id
    case .name(let name): name
    }
  }
}
