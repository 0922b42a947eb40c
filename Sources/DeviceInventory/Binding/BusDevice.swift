// A device as its bus names it: what drivers are bound to.
import Glibc
package import UIO

/// A device on a bus of the kernel.
package struct BusDevice: Equatable, Sendable, CustomStringConvertible {
  /// `pci`, `platform` and so on.
  package let bus: String
  /// Its name on the bus: `0000:00:03.0`.
  package let name: String

  /// Finds what a text names: `pci-0000:00:03.0`, `0000:00:03.0`, `platform-NAME`, or a UIO device
  /// by node or number.
  /// - Throws: `notFound`, `malformed`.
  package init(_ text: String, sysfs: Sysfs = .system) throws(UIOError) {
    switch try UIODeviceID(text) {
    case .stable(let id): try self.init(stable: id, sysfs: sysfs)
    case .name(let name):
      // Another bus, or a uio name.
      if name.contains("-"), let found = try? BusDevice(stable: name, sysfs: sysfs) {
        self = found
      } else {
        try self.init(stable: UIODeviceInfo.find(.name(name), sysfs: sysfs).stableID, sysfs: sysfs)
      }
    case let id:
      try self.init(stable: UIODeviceInfo.find(id, sysfs: sysfs).stableID, sysfs: sysfs)
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

  private static func absent(_ id: String) -> UIOError {
    UIOError(
      .notFound, device: id, operation: "find the device", cause: "there is no such device",
      hint: "lspci -D and ls /sys/bus/*/devices show what there is")
  }

  /// `BUS-NAME`, as stable ids are written.
  package var description: String { "\(bus)-\(name)" }
}
