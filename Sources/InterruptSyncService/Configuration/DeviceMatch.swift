// Configuration room. [Match], the keys that say which devices a file is for, and the properties
// that a device is recognized by. DeviceFile makes it, ManagedDeviceInfo the properties;
// ConfigurationSet compares them. Pure values, on the control thread; no lock.
import DeviceIdentity
import Glibc
package import UIO

/// A device matches if every key that is given admits it.
package struct DeviceMatch: Equatable, Sendable {
  package var ids = PatternList()
  package var pciDevices = PatternList()
  package var names = PatternList()
  package var drivers = PatternList()
  /// Software lines that the file makes. Such a file matches no device.
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

  package func admits(_ device: DeviceProperties) -> Bool {
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
          "the file makes a software line and matches no device",
          hint: "remove it or SoftwareLine=, or write a second file"))
    }
  }

  /// `!` before an assignment's value makes all its patterns exclude.
  private static func patterns(
    _ key: Key, _ reader: inout SectionReader<Key>,
    _ read: (String) throws(ValueFault) -> String
  ) -> PatternList {
    var list = PatternList()
    for var items in reader.lists(key) where !items.isEmpty {
      let isExcluding = items[0].text.hasPrefix("!")
      if isExcluding { items[0].text.removeFirst() }
      for item in items {
        do throws(ValueFault) {
          let pattern = try read(item.text)
          if isExcluding { list.excluded.append(pattern) } else { list.included.append(pattern) }
        } catch { reader.report(key, error, at: item.position) }
      }
    }
    return list
  }

  private static func pattern(_ text: String) throws(ValueFault) -> String {
    if text.hasPrefix("!") {
      throw ValueFault(
        "\"!\" is inside the list",
        hint:
          "it negates the whole list: write it before the first pattern, or use a second assignment"
      )
    }
    guard !text.isEmpty else {
      throw ValueFault("a pattern is empty", hint: "write a name, or * for any")
    }
    return text
  }

  /// Refuses what cannot be a stable id, because it would never match.
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
    // Of a pattern only the devices can tell.
    guard text.hasPrefix("pci-"), !text.contains(where: { "*?[".contains($0) }) else { return text }
    let id: UIODeviceID
    do throws(UIOError) { id = try UIODeviceID(text) } catch {
      throw ValueFault("\"\(text)\" is \(error.cause)", hint: error.hint)
    }
    guard id == .stable(text) else {
      throw ValueFault("\"\(text)\" is not a stable id", hint: "write \(id)")
    }
    return text
  }

  /// `VENDOR:DEVICE`, each up to four hexadecimal digits or `*`, in the form of `DeviceProperties`.
  private static func pciDevice(_ text: String) throws(ValueFault) -> String {
    let parts = try pattern(text).split(separator: ":", omittingEmptySubsequences: false)
    let read = parts.compactMap { part -> String? in
      if part == "*" { return "*" }
      guard part.first?.isHexDigit == true, let number = UInt16(part, radix: 16) else { return nil }
      return PCIKind.digits(number)
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

/// Shell patterns that include and exclude texts, as in systemd.link(5).
package struct PatternList: Equatable, Sendable {
  package var included: [String] = []
  package var excluded: [String] = []

  package var isEmpty: Bool { included.isEmpty && excluded.isEmpty }

  /// Whether one of the including patterns matches and none of the excluding ones does. Patterns that
  /// only exclude admit everything else, also a missing text.
  package func admits(_ text: String?) -> Bool {
    func matches(_ pattern: String) -> Bool {
      text.map { unsafe fnmatch(pattern, $0, 0) == 0 } ?? false
    }
    return !excluded.contains(where: matches)
      && (included.isEmpty || included.contains(where: matches))
  }
}

/// What a device is recognized by.
package struct DeviceProperties: Equatable, Sendable {
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
      pciDevice: info.pci.map { "\($0.kind)" })
  }
}
