// [Match]: which devices a file is for.
import Glibc
package import UIO

/// All of these have to admit a device.
package struct DeviceMatch: Equatable, Sendable {
  package var ids = PatternList()
  package var pciDevices = PatternList()
  package var names = PatternList()
  package var drivers = PatternList()
  /// Lines without hardware that the file makes; such a file is for no device.
  package var softwareLines: [String] = []

  enum Key: String, ConfigurationKey {
    case id = "Id"
    case pciDevice = "PCIDevice"
    case name = "Name"
    case driver = "Driver"
    case softwareLine = "SoftwareLine"

    static let section = "Match"
    var isList: Bool { true }
  }

  package func admits(_ device: DeviceIdentity) -> Bool {
    softwareLines.isEmpty && ids.admits(device.stableID) && pciDevices.admits(device.pciDevice)
      && names.admits(device.name) && drivers.admits(device.driver)
  }

  package init() {}

  init(_ reader: inout SectionReader<Key>) {
    ids = Self.patterns(.id, &reader, Self.id)
    pciDevices = Self.patterns(.pciDevice, &reader, Self.pciDevice)
    names = Self.patterns(.name, &reader, Self.pattern)
    drivers = Self.patterns(.driver, &reader, Self.pattern)
    softwareLines = reader.items(.softwareLine, ConfigurationValue.name)
    guard !softwareLines.isEmpty else { return }
    for key in [Key.id, .pciDevice, .name, .driver] where reader.has(key) {
      reader.report(
        key,
        ValueFault(
          "the file makes a software line and is for no device",
          hint: "remove it or SoftwareLine=, or write a file of its own"))
    }
  }

  /// `!` in front of an assignment's value makes all its patterns excluding ones.
  private static func patterns(
    _ key: Key, _ reader: inout SectionReader<Key>,
    _ read: (String) throws(ValueFault) -> String
  ) -> PatternList {
    var list = PatternList()
    for var words in reader.words(key) where !words.isEmpty {
      let isExcluding = words[0].text.hasPrefix("!")
      if isExcluding { words[0].text.removeFirst() }
      for word in words {
        do throws(ValueFault) {
          let pattern = try read(word.text)
          if isExcluding { list.excluded.append(pattern) } else { list.included.append(pattern) }
        } catch { reader.report(key, error, at: word.position) }
      }
    }
    return list
  }

  private static func pattern(_ text: String) throws(ValueFault) -> String {
    if text.hasPrefix("!") {
      throw ValueFault(
        "\"!\" stands within the list",
        hint:
          "it turns the whole list round: write it in front of the first pattern, or an assignment of its own"
      )
    }
    guard !text.isEmpty else {
      throw ValueFault("a pattern is empty", hint: "write a name, or * for any")
    }
    return text
  }

  /// What is surely not a stable id is refused: it would never match.
  private static func id(_ text: String) throws(ValueFault) -> String {
    let text = try pattern(text)
    if case .number = try? UIODeviceID(text) {
      throw ValueFault(
        "\"\(text)\" is the number of a device, and numbers change",
        hint: "write the stable id that interruptsyncd --list shows")
    }
    if let address = PCIAddress(text) {
      throw ValueFault("\"\(text)\" is not a stable id", hint: "write pci-\(address)")
    }
    return text
  }

  /// `VENDOR:DEVICE`, each up to four hexadecimal digits or `*`, in the form of `DeviceIdentity`.
  private static func pciDevice(_ text: String) throws(ValueFault) -> String {
    let parts = try pattern(text).split(separator: ":", omittingEmptySubsequences: false)
    let read = parts.compactMap { part -> String? in
      if part == "*" { return "*" }
      guard part.first?.isHexDigit == true, let number = UInt16(part, radix: 16) else { return nil }
      return DeviceIdentity.digits(number)
    }
    guard parts.count == 2, read.count == 2 else {
      throw ValueFault(
        "\"\(text)\" is not a PCI vendor and device",
        hint:
          "write VENDOR:DEVICE in hexadecimal as lspci -n shows them, for instance 1234:11e8 or 1234:*"
      )
    }
    return "\(read[0]):\(read[1])"
  }
}

/// Shell patterns that a text fits or does not, as in systemd.link(5).
package struct PatternList: Equatable, Sendable {
  package var included: [String] = []
  package var excluded: [String] = []

  package var isEmpty: Bool { included.isEmpty && excluded.isEmpty }

  /// Whether one of the patterns fits and none of the excluding ones does. Patterns that only
  /// exclude let the rest in, also what has no text at all.
  package func admits(_ text: String?) -> Bool {
    func fits(_ pattern: String) -> Bool {
      text.map { unsafe fnmatch(pattern, $0, 0) == 0 } ?? false
    }
    return !excluded.contains(where: fits) && (included.isEmpty || included.contains(where: fits))
  }
}

/// What a device is recognized by.
package struct DeviceIdentity: Equatable, Sendable {
  package let stableID: String
  package let name: String
  package let driver: String?
  /// `vendor:device`, four hexadecimal digits each.
  package let pciDevice: String?

  package init(stableID: String, name: String, driver: String? = nil, pciDevice: String? = nil) {
    self.stableID = stableID
    self.name = name
    self.driver = driver
    self.pciDevice = pciDevice
  }

  package init(_ info: UIODeviceInfo) {
    self.init(
      stableID: info.stableID, name: info.name, driver: info.driver,
      pciDevice: info.pci.map { "\(Self.digits($0.vendor)):\(Self.digits($0.device))" })
  }

  static func digits(_ number: UInt16) -> String {
    let text = String(number, radix: 16)
    return String(repeating: "0", count: 4 - text.count) + text
  }
}
