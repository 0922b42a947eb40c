// What binding a driver needs of the machine: a device as its bus names it, and the files and
// programs to use, which tests replace. Floor 5; DriverBinding, GroupBinding and interruptsyncctl's
// commands bind, unbind and udev call it, on the program's one thread, without a lock. It may wait
// for modprobe.
package import DeviceIdentity
import Glibc

/// The files and programs that binding a driver uses.
package struct BindingSystem: Sendable {
  package var sysfs: Sysfs
  /// The tree that `/proc` and `/etc` are below.
  package var root: String
  /// Writes an attribute of sysfs.
  package var write: @Sendable (String, String) throws(SystemError) -> Void
  /// Loads a module; false when there is none of this name.
  package var loadModule: @Sendable (String) -> Bool
  /// Changes who may write files.
  package var rights: FileRights

  package init(
    sysfs: Sysfs, root: String,
    write: @escaping @Sendable (String, String) throws(SystemError) -> Void,
    loadModule: @escaping @Sendable (String) -> Bool, rights: FileRights
  ) {
    self.sysfs = sysfs
    self.root = root
    self.write = write
    self.loadModule = loadModule
    self.rights = rights
  }

  /// The machine's own.
  package static let system = BindingSystem(
    sysfs: .system, root: "",
    write: { (path, text) throws(SystemError) in try Self.put(text, at: path) },
    loadModule: { Self.modprobe($0) }, rights: .system)

  /// The text in one write, as attributes take it.
  private static func put(_ text: String, at path: String) throws(SystemError) {
    let file = try FileDescriptor.open(path, O_WRONLY)
    let bytes = Array(text.utf8)
    while true {
      let count = unsafe Glibc.write(file.raw, bytes, bytes.count)
      if count >= 0 { return }
      if errno != EINTR { throw SystemError(errno) }
    }
  }

  private static func modprobe(_ name: String) -> Bool {
    // A name is one word, and no option.
    guard !name.hasPrefix("-") else { return false }
    let words: [String] = ["modprobe", "--quiet", "--", name]
    var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) }
    unsafe arguments.append(nil)
    defer { for place in words.indices { unsafe free(arguments[place]) } }
    var process: pid_t = 0
    guard unsafe posix_spawnp(&process, "modprobe", nil, nil, arguments, environ) == 0 else {
      return false
    }
    var status: Int32 = 0
    while unsafe waitpid(process, &status, 0) < 0 { if errno != EINTR { return false } }
    return status == 0
  }
}

// MARK: Devices

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

  private static func absent(_ id: String) -> UIOError {
    UIOError(
      .notFound, device: id, operation: "find the device", cause: "there is no such device",
      hint: "lspci -D and ls /sys/bus/*/devices list the devices")
  }

  /// `BUS-NAME`, as stable ids are written.
  package var description: String { "\(bus)-\(name)" }
}
