// A device as its bus names it, whether a driver has it or not, and finding it by what a person
// types. Floor 5; reads sysfs on the caller's thread, without a lock.
package import DeviceIdentity
import Glibc

/// A device on a bus of the kernel.
package struct BusDevice: Equatable, Sendable, CustomStringConvertible {
  /// `pci`, `platform` and so on.
  package let bus: String
  /// Its name on the bus: `0000:00:03.0`.
  package let name: String

  /// Finds what a text names: `pci-0000:00:03.0`, `0000:00:03.0`, `1234:11e8`, `platform-NAME`, or a
  /// UIO device by node or number.
  /// - Throws: `notFound`, `malformed`, and `ambiguous` when several functions have the vendor and device.
  package init(_ text: String, sysfs: Sysfs = .system) throws(UIOError) {
    if let kind = PCIKind(text) {
      try self.init(kind, sysfs)
      return
    }
    switch try UIODeviceID(text) {
    case .stable(let id): try self.init(stable: id, sysfs: sysfs)
    case .name(let name):
      // Another bus, or a uio name.
      if name.contains("-"), let found = try? BusDevice(stable: name, sysfs: sysfs) {
        self = found
      } else {
        try self.init(stable: Self.stableID(.name(name), text, sysfs), sysfs: sysfs)
      }
    case let id: try self.init(stable: Self.stableID(id, text, sysfs), sysfs: sysfs)
    }
  }

  /// The stable id of a UIO device. The hint of UIO's error for a device that is not there is a UIO
  /// driver, which a device that you bind does not have yet.
  private static func stableID(
    _ id: UIODeviceID, _ text: String, _ sysfs: Sysfs
  ) throws(UIOError) -> String {
    do throws(UIOError) { return try UIODeviceInfo.find(id, sysfs: sysfs).stableID } catch {
      throw error.code == .notFound ? absent(text) : error
    }
  }

  private init(stable id: String, sysfs: Sysfs) throws(UIOError) {
    // The second device of one parent has +1 behind the parent's name.
    let parts = id.split(separator: "+", maxSplits: 1)[0].split(separator: "-", maxSplits: 1)
    guard parts.count == 2 else { throw Self.absent(id) }
    bus = String(parts[0])
    name = String(parts[1])
    guard !bus.contains("/"), !name.contains("/"), bus != "..", name != "..",
      unsafe access("\(sysfs.root)/bus/\(bus)/devices/\(name)", F_OK) == 0
    else { throw Self.absent(id) }
  }

  /// The one PCI function of a kind.
  private init(_ kind: PCIKind, _ sysfs: Sysfs) throws(UIOError) {
    let folder = "\(sysfs.root)/bus/pci/devices"
    let found = sysfs.list(folder).sorted().filter {
      PCIKind(folder: "\(folder)/\($0)", sysfs) == kind
    }
    guard let first = found.first else { throw Self.absent("\(kind)") }
    guard found.count == 1 else {
      throw UIOError(
        .ambiguous, device: "\(kind)", operation: "find the device",
        cause: "\(found.count) PCI functions have this vendor and device: "
          + found.joined(separator: ", "),
        hint: "name one of them by its address; interruptsyncctl list --all shows their drivers")
    }
    bus = "pci"
    name = first
  }

  private static func absent(_ id: String) -> UIOError {
    UIOError(
      .notFound, device: id, operation: "find the device", cause: "there is no such device",
      hint: "interruptsyncctl list --all shows the devices that you can bind")
  }

  /// `BUS-NAME`, as stable ids are written.
  package var description: String { "\(bus)-\(name)" }
}

extension PCIKind {
  /// What a function's folder in sysfs says; nil when it is not one.
  init?(folder: String, _ sysfs: Sysfs) {
    func number(_ attribute: String) -> UInt16? {
      sysfs.optionalText("\(folder)/\(attribute)").flatMap { NumberParsing.parse($0) }
    }
    guard let vendor = number("vendor"), let device = number("device") else { return nil }
    self.init(vendor: vendor, device: device)
  }
}
