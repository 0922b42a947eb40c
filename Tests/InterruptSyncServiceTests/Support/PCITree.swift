import Glibc
import TestSupport
import UIO

/// A PCI function in a copy of sysfs, bound to uio_pci_generic as uio0. Its node has the number of
/// /dev/null, a character device that is always readable.
struct PCITree {
  let folder: TemporaryFolder
  static let id = "pci-0000:00:03.0"
  private static let parent = "sys/devices/pci0/0000:00:03.0"

  /// - Parameter event: the kernel's count.
  init(event: Int = 12) throws {
    folder = try TemporaryFolder()
    let uio = "\(Self.parent)/uio/uio0"
    for (name, text) in [
      ("name", "edu"), ("version", "1"), ("event", "\(event)"), ("dev", "1:3"),
    ] { try folder.write("\(uio)/\(name)", text + "\n") }
    for (name, text) in [
      ("vendor", "0x1234"), ("device", "0x11e8"), ("irq", "11"),
      ("resource", "0x00000000febf0000 0x00000000feceffff 0x0000000000040200"),
    ] { try folder.write("\(Self.parent)/\(name)", text + "\n") }
    try folder.write("\(Self.parent)/config", [UInt8](repeating: 0, count: 64))
    try folder.link("\(Self.parent)/subsystem", to: "../../../bus/pci")
    try folder.link("\(Self.parent)/driver", to: "../../../bus/pci/drivers/uio_pci_generic")
    try folder.link("\(uio)/device", to: "../../../0000:00:03.0")
    try folder.link("sys/class/uio/uio0", to: "../../devices/pci0/0000:00:03.0/uio/uio0")
  }

  var sysfs: Sysfs { Sysfs(root: folder.path("sys"), devices: folder.path("dev")) }
  var configuration: String { folder.path("\(Self.parent)/config") }

  func info() throws -> UIODeviceInfo { try UIODeviceInfo(number: 0, sysfs: sysfs) }

  func node(_ flags: Int32 = O_RDWR) throws -> FileDescriptor {
    try FileDescriptor.open("/dev/null", flags)
  }

  func openConfiguration(_ flags: Int32 = O_RDWR) throws -> FileDescriptor {
    try FileDescriptor.open(configuration, flags)
  }

  /// Takes away what the kernel takes away at an unbind.
  func unbind() { unlink(folder.path("sys/class/uio/uio0")) }
}
