// UIO devices as sysfs describes them: how people name them, what is known of one, its maps and its
// port regions. Floor 2. Drivers, UIODevice, the daemon's Devices room, DeviceMonitor and
// interruptsyncctl make one, which reads sysfs, at PASSIVE_LEVEL; then it is a value for any
// thread. No lock, and nothing is open.
import Glibc

/// A UIO device as the kernel describes it at one moment.
public struct UIODeviceInfo: Equatable, Sendable {
  /// N of `/dev/uioN`. Order of allocation, not identity (fact 5).
  public let number: Int
  /// The driver's name for it; several devices can share one (fact 5).
  public let name: String
  /// The driver's version of itself: free text, such as `devicetree` (fact 50).
  public let version: String
  /// Interrupts since the device was registered, modulo 2^32 (fact 8).
  public let event: UInt32
  /// The maps, at most five, by index (fact 37).
  public let maps: [UIOMap]
  /// The I/O ports that the driver names, at most five, by index (fact 37).
  public let portRegions: [UIOPortRegion]
  /// Identity that survives a reboot and a replug in the same place: `pci-0000:00:03.0`,
  /// `platform-NAME`. Behind it stands `+` and the uio name where the parent may have other UIO devices
  /// (fact 58). It does not depend on which of them are present. Devices of one parent whose driver
  /// gives them one name have one id, too: finding them by it is `ambiguous` (fact 59).
  public let stableID: String
  /// The kernel driver bound to the parent, or nil.
  public let driver: String?
  /// The PCI function behind it, or nil.
  public let pci: PCIFunction?
  /// The parent's folder in sysfs.
  package let parentFolder: String

  /// `/dev/uioN` under the tree it was read from.
  public let path: String

  /// All devices, by number. A device that goes away while it is read is left out (fact 37).
  public static func all(_ sysfs: Sysfs = .system) -> [UIODeviceInfo] {
    let numbers = sysfs.list(sysfs.uioClass).compactMap { name in
      name.hasPrefix("uio") ? Int(name.dropFirst(3)) : nil
    }
    return numbers.sorted().compactMap { try? UIODeviceInfo(number: $0, sysfs: sysfs) }
  }

  /// Reads one device.
  /// - Throws: `notFound` when there is none, `removed` when it goes away meanwhile.
  public init(number: Int, sysfs: Sysfs = .system) throws(UIOError) {
    let folder = "\(sysfs.uioClass)/uio\(number)"
    func read(_ attribute: String) throws(UIOError) -> String {
      do throws(SystemError) { return try sysfs.text("\(folder)/\(attribute)") } catch {
        let isFirst = attribute == "name" && error.number == ENOENT
        throw (isFirst ? UIOOperation.open : .attribute).error(error.number, device: "uio\(number)")
      }
    }
    self.number = number
    path = "\(sysfs.devices)/uio\(number)"
    name = try read("name")
    version = try read("version")
    event = UInt32(truncatingIfNeeded: NumberParsing.parse(try read("event"), as: Int64.self) ?? 0)
    maps = Self.maps(sysfs, folder)
    portRegions = Self.portRegions(sysfs, folder)
    parentFolder = "\(folder)/device"
    driver = sysfs.linkName("\(parentFolder)/driver")
    // The kernel registers no device without a parent.
    let parent = sysfs.linkName("\(folder)/device") ?? "unknown"
    let bus = sysfs.linkName("\(parentFolder)/subsystem") ?? "virtual"
    stableID = StableID.text(
      bus: bus, parent: parent, driver: driver, name: name,
      hasSiblings: sysfs.list("\(parentFolder)/uio").count > 1)
    pci =
      bus == "pci"
      ? PCIAddress(parent).flatMap {
        PCIFunction(sysfs: sysfs, folder: "\(folder)/device", address: $0)
      }
      : nil
    // Absent attributes and a device that has just gone look alike above: only a device that is still there has
    // been read whole (fact 37).
    _ = try read("event")
  }

  /// Finds the one device that `id` names.
  /// - Throws: `notFound`, or `ambiguous` when a name fits several.
  public static func find(_ id: UIODeviceID, sysfs: Sysfs = .system) throws(UIOError)
    -> UIODeviceInfo
  {
    switch id {
    case .number(let number): return try UIODeviceInfo(number: number, sysfs: sysfs)
    case .path(let path): return try find(path: path, sysfs: sysfs)
    case .stable(let text): return try find(stable: text, sysfs: sysfs)
    case .name(let text): return try find(name: text, sysfs: sysfs)
    }
  }

  private static func find(path: String, sysfs: Sysfs) throws(UIOError) -> UIODeviceInfo {
    let device: (major: UInt32, minor: UInt32)?
    do throws(SystemError) { device = try FileDescriptor.characterDevice(path) } catch {
      throw UIOOperation.open.error(error.number, device: path)
    }
    let text = device.map { "\($0.major):\($0.minor)" }
    for info in all(sysfs)
    where text != nil && sysfs.optionalText("\(sysfs.uioClass)/uio\(info.number)/dev") == text {
      return info
    }
    throw UIOError(
      .notFound, device: path, operation: "open", cause: "not a UIO device",
      hint: "give a node (/dev/uioN), a stable id (pci-DOMAIN:BUS:DEVICE.FUNCTION) or a uio name")
  }

  private static func find(stable id: String, sysfs: Sysfs) throws(UIOError) -> UIODeviceInfo {
    let all = all(sysfs)
    let found = all.filter { $0.stableID == id }
    guard let first = found.first else { throw absent(id, among: all) }
    guard found.count == 1 else { throw shared(id, by: found) }
    return first
  }

  /// Whether `text` is the vendor and device of its PCI function, as in `1234:11e8`.
  package func isOfKind(_ text: String) -> Bool {
    PCIKind(text).map { $0 == pci?.kind } ?? false
  }

  /// By uio name, by vendor and device, or by the stable id of a device that is neither on a PCI bus nor
  /// on the platform bus.
  private static func find(name: String, sysfs: Sysfs) throws(UIOError) -> UIODeviceInfo {
    let found = all(sysfs).filter { $0.name == name || $0.isOfKind(name) }
    guard let first = found.first else { return try find(stable: name, sysfs: sysfs) }
    guard found.count == 1 else {
      let ids = found.map { "\($0.stableID) (uio\($0.number))" }.joined(separator: ", ")
      throw UIOError(
        .ambiguous, device: name, operation: "open",
        cause: "\(found.count) devices have this name: \(ids)",
        hint: "name one of them by its stable id")
    }
    return first
  }

  private static func maps(_ sysfs: Sysfs, _ folder: String) -> [UIOMap] {
    (0..<5).compactMap { index in
      let map = "\(folder)/maps/map\(index)"
      func number(_ attribute: String) -> UInt64? {
        sysfs.optionalText("\(map)/\(attribute)").flatMap { NumberParsing.parse($0) }
      }
      guard let address = number("addr"), let size = number("size") else { return nil }
      return UIOMap(
        index: index, name: sysfs.optionalText("\(map)/name") ?? "", address: address, size: size,
        offset: number("offset") ?? 0)
    }
  }

  private static func portRegions(_ sysfs: Sysfs, _ folder: String) -> [UIOPortRegion] {
    (0..<5).compactMap { index in
      let port = "\(folder)/portio/port\(index)"
      func number(_ attribute: String) -> UInt64? {
        sysfs.optionalText("\(port)/\(attribute)").flatMap { NumberParsing.parse($0) }
      }
      guard let start = number("start"), let size = number("size") else { return nil }
      return UIOPortRegion(
        index: index, name: sysfs.optionalText("\(port)/name") ?? "", start: start, size: size,
        type: sysfs.optionalText("\(port)/porttype") ?? "")
    }
  }
}

// MARK: Regions

/// A memory region that a UIO driver offers to mmap, as `maps/mapN` describes it (fact 37).
public struct UIOMap: Equatable, Sendable {
  /// N, which is also the page offset that mmap takes (fact 33).
  public let index: Int
  /// May be empty, and need not be unique (fact 40).
  public let name: String
  /// Physical address of the start of the mapping; kernels round it down to a page (fact 35).
  public let address: UInt64
  /// Bytes from `address` on, as the driver states them.
  public let size: UInt64
  /// Where in the first page the registers begin (fact 35).
  public let offset: UInt64

  /// Bytes that may be used: what the driver states, less what lies before the registers (fact 35).
  public var usableSize: UInt64 { size > offset ? size - offset : 0 }
}

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

// MARK: Names

/// A way to name a UIO device. Numbers are the order of allocation and not identity (fact 5): what
/// should still be right after a reboot or a replug names the PCI function, the platform device, or
/// a unique uio name.
public enum UIODeviceID: Equatable, Sendable, CustomStringConvertible {
  /// `uio3`, `/dev/uio3` or `3`.
  case number(Int)
  /// Another path, such as a link made by udev.
  case path(String)
  /// Stable: what `UIODeviceInfo.stableID` says, for instance `pci-0000:00:03.0`,
  /// `platform-fed00000.timer` or `platform-4a300000.pruss+evt2`.
  case stable(String)
  /// The uio name, as `/sys/class/uio/uioN/name` has it, or the vendor and device of a PCI function,
  /// `1234:11e8`. Several devices can have it.
  case name(String)

  /// Reads what a person would type: a number, `uioN`, a path, `pci-…`, `platform-…`, a bare PCI
  /// address, `VENDOR:DEVICE`, or a name.
  /// - Throws: `malformed` for an empty text.
  public init(_ text: String) throws(UIOError) {
    if let number = Self.number(text) {
      self = .number(number)
    } else if text.hasPrefix("/") {
      self = .path(text)
    } else if let id = try Self.pci(text) {
      self = .stable(id)
    } else if text.hasPrefix("platform-") {
      self = .stable(text)
    } else if !text.isEmpty {
      self = .name(text)
    } else {
      throw UIOError(
        .malformed, device: "\"\"", operation: "name a device", cause: "the name is empty",
        hint: "give a node (/dev/uioN), a stable id (pci-DOMAIN:BUS:DEVICE.FUNCTION) or a uio name")
    }
  }

  /// The stable id of a PCI function that `text` names, `pci-` or not; nil if it names something else.
  private static func pci(_ text: String) throws(UIOError) -> String? {
    let isMarked = text.hasPrefix("pci-")
    let parts = text.dropFirst(isMarked ? 4 : 0).split(
      separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
    let address = PCIAddress(parts[0])
    guard isMarked || address != nil else { return nil }
    guard let address, parts.count == 1 || StableID.isEncoded(parts[1]) else {
      throw UIOError(
        .malformed, device: text, operation: "name a device",
        cause: "not a PCI address, or an address with a uio name",
        hint:
          "write pci-DOMAIN:BUS:DEVICE.FUNCTION, in hexadecimal as lspci -D does, and +NAME behind "
          + "it where interruptsyncd --list shows one")
    }
    return "pci-\(address)" + (parts.count > 1 ? "+\(parts[1])" : "")
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
