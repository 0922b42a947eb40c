// Bindings that are to come back with the device: a file each, applied by a unit that udev starts.
import Glibc
package import UIO

/// The binding of a device that is kept over restarts of the machine.
package struct SavedBinding {
  package let device: String
  private let root: String

  /// - Parameter device: `BUS-NAME`; the device need not be there.
  /// - Throws: `malformed` for what is no such name.
  package init(_ device: String, root: String = "") throws(UIOError) {
    guard device.contains("-"), !device.contains("/"), !device.hasPrefix(".") else {
      throw UIOError(
        .malformed, device: device, operation: "find a saved binding",
        cause: "not a device on a bus", hint: "write BUS-NAME, for instance pci-0000:00:03.0")
    }
    self.device = device
    self.root = root
  }

  private var folder: String { "\(root)/etc/interruptsync/bind.d" }
  /// Where it is kept.
  package var path: String { "\(folder)/\(device)" }

  /// The driver; nil when none is saved.
  package var driver: String? {
    guard let text = try? FileDescriptor.wholeText(path) else { return nil }
    let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") && !$0.hasPrefix("[") }
    guard let line = lines.first(where: { $0.hasPrefix("Driver=") }) else { return nil }
    return String(line.dropFirst("Driver=".count))
  }

  /// Keeps a driver, in place of any other.
  /// - Throws: `permissionDenied`, `unexpected`.
  package func save(driver: String) throws(UIOError) {
    do throws(SystemFailure) {
      for part in ["\(root)/etc/interruptsync", folder] {
        if unsafe mkdir(part, 0o755) != 0, errno != EEXIST { throw SystemFailure(errno) }
      }
      try FileDescriptor.replace(
        path,
        with: "# Written by interruptsyncctl bind --persist; unbind --persist removes it.\n"
          + "[Binding]\nDriver=\(driver)\n")
    } catch { throw failure(error, "save the binding") }
  }

  /// Forgets it.
  /// - Returns: whether there was one.
  /// - Throws: `permissionDenied`, `unexpected`.
  package func remove() throws(UIOError) -> Bool {
    if unsafe unlink(path) == 0 { return true }
    if errno == ENOENT { return false }
    throw failure(SystemFailure(errno), "forget the binding")
  }

  private func failure(_ error: SystemFailure, _ operation: String) -> UIOError {
    let isDenied = [EACCES, EPERM, EROFS].contains(error.number)
    return UIOError(
      isDenied ? .permissionDenied : .unexpected, device: device, operation: operation,
      cause: "\(path) cannot be changed", hint: isDenied ? "run as root" : "", errno: error.number)
  }
}
