// What binding a driver needs of the machine: the files and programs to use, which tests replace.
// Floor 5; DriverBinding, GroupBinding and the commands bind, unbind and udev of interruptsyncctl
// call it, on the program's one thread, without a lock. It may wait for modprobe.
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
