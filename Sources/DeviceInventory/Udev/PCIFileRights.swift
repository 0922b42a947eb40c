// The rights of the group uio to a PCI function's files in sysfs, which it has as long as
// uio_pci_generic has the function: its line is re-armed through the configuration space. The files
// outlive the driver, so that the next driver's function would stay open to the group. Floor 5;
// DriverBinding and interruptsyncctl's command udev call it, on the program's one thread, without a
// lock. Needs root.
package import DeviceIdentity
import Glibc

/// A file's group and mode, read and changed; tests replace it.
package struct FileRights: Sendable {
  /// The group's id; nil: there is no such group.
  package var group: @Sendable (String) -> UInt32?
  /// The group and the mode of a file; nil: there is no such file.
  package var read: @Sendable (String) -> (group: UInt32, mode: UInt32)?
  package var write: @Sendable (String, _ group: UInt32, _ mode: UInt32) -> Int32

  package init(
    group: @escaping @Sendable (String) -> UInt32?,
    read: @escaping @Sendable (String) -> (group: UInt32, mode: UInt32)?,
    write: @escaping @Sendable (String, _ group: UInt32, _ mode: UInt32) -> Int32
  ) {
    self.group = group
    self.read = read
    self.write = write
  }

  /// The machine's own.
  package static let system = FileRights(
    group: { name in unsafe getgrnam(name).map { unsafe $0.pointee.gr_gid } },
    read: { path in
      var status = stat()
      guard unsafe stat(path, &status) == 0 else { return nil }
      return (status.st_gid, status.st_mode & 0o7777)
    },
    write: { path, group, mode in
      // The owner stays.
      unsafe chown(path, .max, group) == 0 && chmod(path, mode) == 0 ? 0 : errno
    })
}

/// The files of one PCI function that the group may need.
package struct PCIFileRights {
  /// The name of the group that the udev rules give UIO devices to.
  package static let group = "uio"
  private static let driver = "uio_pci_generic"
  /// Each file, and what of its mode the group gets.
  private static let files: [(name: String, bits: UInt32)] =
    [("config", 0o020)] + (0..<6).map { ("resource\($0)", 0o060) }

  private let folder: String
  private let sysfs: Sysfs
  private let rights: FileRights

  /// - Parameter folder: the function's in sysfs. Of a device that is no PCI function nothing changes.
  package init(folder: String, sysfs: Sysfs = .system, rights: FileRights = .system) {
    self.folder = folder
    self.sysfs = sysfs
    self.rights = rights
  }

  /// Gives the files to the group if the driver that needs it has the function, and takes them back
  /// otherwise, so that it does not matter in which order udev runs this for a device that goes and one
  /// that comes.
  /// - Throws: `permissionDenied`, `readOnly`, `unexpected` and others.
  package func settle() throws(UIOError) {
    guard sysfs.linkName("\(folder)/subsystem") == "pci", let group = rights.group(Self.group)
    else { return }
    var needed: Bool
    repeat {
      needed = isNeeded
      for file in Self.files { try settle(file.name, file.bits, needed, group) }
      // The driver may have changed meanwhile.
    } while needed != isNeeded
  }

  private var isNeeded: Bool { sysfs.linkName("\(folder)/driver") == Self.driver }

  private func settle(
    _ name: String, _ bits: UInt32, _ isNeeded: Bool, _ group: UInt32
  ) throws(UIOError) {
    let path = "\(folder)/\(name)"
    guard let now = rights.read(path) else { return }
    // A file of another group was given by another program.
    guard isNeeded || now.group == group else { return }
    let wanted = (
      group: isNeeded ? group : 0, mode: isNeeded ? now.mode | bits : now.mode & ~bits
    )
    guard wanted != now else { return }
    let number = rights.write(path, wanted.group, wanted.mode)
    // A function that goes takes its files with it.
    guard number != 0, number != ENOENT else { return }
    throw UIOError(
      SystemError(number), device: path,
      operation: isNeeded ? "give to the group \(Self.group)" : "take from the group \(Self.group)",
      cause: "its group and mode cannot be changed")
  }
}
