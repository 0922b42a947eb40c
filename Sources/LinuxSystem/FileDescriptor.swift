// Open files, and the one room where Swift code meets the kernel's file calls: every call on a path
// is made here, and tests can make any of them fail with any error number. Floor 1; every floor
// above calls it, on any thread. It takes no lock. Open, read a path and drop the last reference,
// which closes and may wait, at PASSIVE_LEVEL without an interrupt lock; the number alone serves at
// any level.
import CLinuxSystem
import Glibc

/// An open file, closed with its last reference.
package final class FileDescriptor: Sendable {
  package let raw: Int32
  /// Closes it elsewhere; nil: here.
  private let release: (@Sendable (Int32) -> Void)?

  /// Takes over an open descriptor.
  package init(adopting raw: Int32) {
    self.raw = raw
    release = nil
  }

  /// Takes over an open descriptor that `release` closes, where the last close may wait or something
  /// follows it.
  package init(adopting raw: Int32, release: @escaping @Sendable (Int32) -> Void) {
    self.raw = raw
    self.release = release
  }

  deinit { if let release { release(raw) } else { close(raw) } }

  /// The corresponding C function is `open`; close-on-exec always.
  ///
  /// - Parameter mode: of a file that `flags` make.
  package static func open(
    _ path: String, _ flags: Int32, mode: UInt32 = 0
  ) throws(SystemError) -> FileDescriptor {
    try SystemError.inject(.open, path)
    while true {
      let raw = unsafe Glibc.open(path, flags | O_CLOEXEC, mode)
      if raw >= 0 { return FileDescriptor(adopting: raw) }
      if errno != EINTR { throw SystemError(errno) }
    }
  }

  /// The whole of a small file. The corresponding C functions are `open` and `read`.
  package static func contents(_ path: String) throws(SystemError) -> [UInt8] {
    let file = try open(path, O_RDONLY)
    try SystemError.inject(.read, path)
    var bytes = [UInt8](repeating: 0, count: 4096)
    var filled = 0
    while filled < bytes.count {
      let room = bytes.count - filled
      let count = unsafe bytes.withUnsafeMutableBytes { buffer in
        unsafe read(file.raw, buffer.baseAddress! + filled, room)
      }
      if count == 0 { break }
      if count > 0 { filled += count } else if errno != EINTR { throw SystemError(errno) }
    }
    return Array(bytes.prefix(filled))
  }

  /// The target of a symbolic link. The corresponding C function is `readlink`.
  package static func link(_ path: String) throws(SystemError) -> String {
    try SystemError.inject(.readlink, path)
    var bytes = [CChar](repeating: 0, count: 4096)
    let count = unsafe readlink(path, &bytes, bytes.count - 1)
    if count < 0 { throw SystemError(errno) }
    return String(decoding: bytes.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// The names in a folder, sorted. The corresponding C functions are `opendir` and `readdir`.
  package static func list(_ path: String) throws(SystemError) -> [String] {
    try SystemError.inject(.opendir, path)
    guard let folder = unsafe opendir(path) else { throw SystemError(errno) }
    defer { unsafe closedir(folder) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = unsafe readdir(folder) else { break }
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        unsafe tuple.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    // Not the end: the kernel refused the next entries.
    let number = errno
    if number != 0 { throw SystemError(number) }
    return names.sorted()
  }

  /// The device number of a character device, or nil when the path is something else.
  package static func characterDevice(_ path: String) throws(SystemError) -> (
    major: UInt32, minor: UInt32
  )? {
    try SystemError.inject(.stat, path)
    var status = stat()
    if unsafe stat(path, &status) != 0 { throw SystemError(errno) }
    return deviceNumber(status)
  }

  /// The device number of what is open, or nil when it is no character device. The corresponding C
  /// function is `fstat`.
  package var characterDevice: (major: UInt32, minor: UInt32)? {
    var status = stat()
    return unsafe fstat(raw, &status) == 0 ? Self.deviceNumber(status) : nil
  }

  /// Whether what is open is the file at `path` at this moment.
  package func isFile(at path: String) -> Bool {
    var own = stat()
    var other = stat()
    return unsafe fstat(raw, &own) == 0 && stat(path, &other) == 0 && own.st_dev == other.st_dev
      && own.st_ino == other.st_ino
  }

  /// Whether what is open may be read and written. The corresponding C function is `fcntl`.
  package var isForReadingAndWriting: Bool { fcntl(raw, F_GETFL) & O_ACCMODE == O_RDWR }

  /// Lets reads answer EAGAIN instead of waiting, for every user of the open file. The corresponding
  /// C function is `fcntl`.
  /// - Throws: `SystemError` with what fcntl answered.
  package func becomeNonblocking() throws(SystemError) {
    let result = linux_set_nonblocking(raw)
    guard result == 0 else { throw SystemError(-result, "make reads non-blocking") }
  }

  private static func deviceNumber(_ status: stat) -> (major: UInt32, minor: UInt32)? {
    guard status.st_mode & S_IFMT == S_IFCHR else { return nil }
    let number = UInt64(status.st_rdev)
    return (
      UInt32(truncatingIfNeeded: (number >> 8) & 0xfff),
      UInt32(truncatingIfNeeded: (number & 0xff) | ((number >> 12) & 0xfff00))
    )
  }
}

// MARK: Whole files

extension FileDescriptor {
  /// A file of any size up to 16 MiB.
  package static func wholeText(_ path: String) throws(SystemError) -> String {
    let file = try open(path, O_RDONLY)
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count < 16 << 20 {
      let count = unsafe read(file.raw, &buffer, buffer.count)
      if count == 0 { break }
      if count > 0 {
        bytes += buffer.prefix(count)
      } else if errno != EINTR {
        throw SystemError(errno)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
