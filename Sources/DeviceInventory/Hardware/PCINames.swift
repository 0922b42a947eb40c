// The names that the system's file pci.ids has for vendors, devices and classes of PCI functions. A
// machine without the file has numbers only. Floor 5; reads one file on the caller's thread, no lock.
package import DeviceIdentity

/// Names out of pci.ids, of the functions that they were read for.
package struct PCINames: Sendable {
  /// Where distributions have the file.
  static let paths = ["/usr/share/hwdata/pci.ids", "/usr/share/misc/pci.ids"]

  private var vendors: [UInt16: String] = [:]
  private var devices: [PCIKind: String] = [:]
  /// By class and subclass, and by class alone with `none` behind it.
  private var classes: [UInt32: String] = [:]
  private static let none: UInt32 = 0x100

  /// - Parameter root: the tree that `/usr` is below.
  package init(of kinds: Set<PCIKind>, root: String = "") {
    let text = Self.paths.lazy.compactMap { try? FileDescriptor.wholeText(root + $0) }.first
    self.init(of: kinds, text: text ?? "")
  }

  /// - Parameter text: lines `VENDOR  NAME`, below each with a tab `DEVICE  NAME`; behind them lines
  ///   `C CLASS  NAME`, below each with a tab `SUBCLASS  NAME`. Lines with two tabs say more than is asked.
  init(of kinds: Set<PCIKind>, text: String) {
    let wanted = Set(kinds.map(\.vendor))
    var vendor: UInt16?
    var family: UInt32?
    for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
      let tabs = line.prefix { $0 == UInt8(ascii: "\t") }.count
      guard tabs < 2, let first = line.first, first != UInt8(ascii: "#") else { continue }
      if tabs == 0 {
        (vendor, family) = (nil, nil)
        if first == UInt8(ascii: "C"), let (number, name) = Self.entry(line.dropFirst(2), 2) {
          family = number
          classes[number << 16 | Self.none] = name
        } else if let (number, name) = Self.entry(line, 4), wanted.contains(UInt16(number)) {
          vendor = UInt16(number)
          vendors[UInt16(number)] = name
        }
      } else if let vendor, let (number, name) = Self.entry(line.dropFirst(), 4) {
        let kind = PCIKind(vendor: vendor, device: UInt16(number))
        if kinds.contains(kind) { devices[kind] = name }
      } else if let family, let (number, name) = Self.entry(line.dropFirst(), 2) {
        classes[family << 16 | number] = name
      }
    }
  }

  /// `digits` hexadecimal digits, two blanks, a name.
  private static func entry(
    _ line: Substring.UTF8View.SubSequence, _ digits: Int
  ) -> (UInt32, String)? {
    let number = line.prefix(digits)
    let rest = line.dropFirst(digits)
    guard rest.starts(with: "  ".utf8), number.count == digits,
      let value = UInt32(String(decoding: number, as: UTF8.self), radix: 16)
    else { return nil }
    // A name may have come from anywhere: what a terminal would obey is left out.
    let name = String(decoding: rest.dropFirst(2), as: UTF8.self)
    return (value, String(name.unicodeScalars.filter { $0.properties.generalCategory != .control }))
  }

  /// `Intel Corporation 82574L Gigabit Network Connection`; nil for a vendor that has no name.
  package func name(of kind: PCIKind) -> String? {
    guard let vendor = vendors[kind.vendor] else { return nil }
    return "\(vendor) \(devices[kind] ?? "Device \(PCIKind.digits(kind.device))")"
  }

  /// `Ethernet controller`; the class's name if the subclass has none, the number if neither has.
  package func name(ofClass code: UInt16) -> String {
    let (family, subclass) = (UInt32(code >> 8), UInt32(code & 0xff))
    return classes[family << 16 | subclass] ?? classes[family << 16 | Self.none]
      ?? "class \(PCIKind.digits(code))"
  }
}
