// How a UIO device is named permanently: by its parent's place, and by its uio name where the
// parent may have other UIO devices. An id must never come to mean another device because one is
// missing: which devices are present counts only as `hasSiblings`, which makes the id longer, and
// for `sharers` and the errors. Floor 2; UIODeviceInfo, DeviceLinks and the daemon's DeviceOpener
// call it, on any thread at PASSIVE_LEVEL. Values, no lock; `sharers` and `requireOwnID` read
// sysfs.
import Glibc

/// The parts of a stable id, `BUS-PARENT` or `BUS-PARENT+NAME`.
package enum StableID {
  /// The kernel's drivers that make one UIO device of each device (fact 58).
  private static let soleDrivers: Set<String> = [
    "uio_pci_generic", "uio_pci_sva", "uio_hv_generic", "uio_pdrv_genirq", "uio_dmem_genirq",
  ]

  /// - Parameters:
  ///   - name: the uio name.
  ///   - hasSiblings: the parent has other UIO devices now.
  static func text(
    bus: String, parent: String, driver: String?, name: String, hasSiblings: Bool
  ) -> String {
    let place = "\(bus)-\(parent)"
    // A name that is the driver's own or the parent's tells nothing apart.
    let isImplied =
      name.isEmpty || name == driver || name == parent
      || parent.split(separator: ".").contains { $0 == name }
    let isSole = !hasSiblings && driver.map(soleDrivers.contains) ?? false
    return isImplied || isSole ? place : "\(place)+\(encoded(name))"
  }

  /// A uio name as ids have it: what a list, a link, a pattern or a shell would take apart is written
  /// as `%` and two hexadecimal digits.
  package static func encoded(_ name: String) -> String {
    name.utf8.reduce(into: "") { text, byte in
      if isPlain(byte) {
        text.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        text += byte < 16 ? "%0" : "%"
        text += String(byte, radix: 16)
      }
    }
  }

  /// Whether `text` is what `encoded` gives for some name.
  static func isEncoded(_ text: Substring) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { isPlain($0) || $0 == UInt8(ascii: "%") }
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "-"), UInt8(ascii: ","), UInt8(ascii: "="), UInt8(ascii: "@"):
      true
    default: false
    }
  }
}

extension UIODeviceInfo {
  /// The present devices that have this one's stable id, this one included. More than one: their driver
  /// gives several devices of one parent one name, and nothing that lasts tells them apart (fact 59).
  package func sharers(_ sysfs: Sysfs = .system) -> [UIODeviceInfo] {
    Self.all(sysfs).filter { $0.stableID == stableID }
  }

  /// Refuses a device whose stable id is also another's: a caller that knows the id alone could have
  /// the wrong one.
  /// - Throws: `ambiguous`.
  package func requireOwnID(_ sysfs: Sysfs = .system) throws(UIOError) {
    let sharers = sharers(sysfs)
    if sharers.count > 1 { throw Self.shared(stableID, by: sharers) }
  }

  static func shared(_ id: String, by devices: [UIODeviceInfo]) -> UIOError {
    let nodes = devices.map { "uio\($0.number)" }.joined(separator: ", ")
    return UIOError(
      .ambiguous, device: id, operation: "open",
      cause: "\(nodes) have one parent and one uio name: nothing tells them apart",
      hint: "make their driver give each a name of its own, or open one by its node")
  }

  /// Why nothing has the id `text`.
  static func absent(_ text: String, among devices: [UIODeviceInfo]) -> UIOError {
    let place = text.split(separator: "+", maxSplits: 1)[0]
    let near = devices.filter { $0.stableID == place || $0.stableID.hasPrefix("\(place)+") }
    guard !near.isEmpty else { return UIOOperation.open.error(ENOENT, device: text) }
    let ids = near.map(\.stableID).joined(separator: ", ")
    return UIOError(
      .notFound, device: text, operation: "open",
      cause: "there is no such device; the same parent has \(ids)",
      hint: "name one by its stable id, uio name included: the parent may have several UIO devices",
      errno: ENOENT)
  }
}
