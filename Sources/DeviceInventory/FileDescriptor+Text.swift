// Whole files as text: of /proc, whose files have no size, and files that are replaced at once.
import Glibc
package import UIO

extension FileDescriptor {
  /// A file of any size up to 16 MiB.
  package static func wholeText(_ path: String) throws(SystemFailure) -> String {
    let file = try open(path, O_RDONLY)
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count < 16 << 20 {
      let count = unsafe read(file.raw, &buffer, buffer.count)
      if count == 0 { break }
      if count > 0 {
        bytes += buffer.prefix(count)
      } else if errno != EINTR {
        throw SystemFailure(errno)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Writes a file so that whoever reads it sees the old or the new text, and never a part.
  package static func replace(_ path: String, with text: String) throws(SystemFailure) {
    let new = "\(path).\(getpid())~"
    do throws(SystemFailure) {
      let raw = unsafe Glibc.open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
      guard raw >= 0 else { throw SystemFailure(errno) }
      let file = FileDescriptor(adopting: raw)
      var rest = Array(text.utf8)[...]
      while !rest.isEmpty {
        let count = unsafe rest.withUnsafeBytes { buffer in
          unsafe write(file.raw, buffer.baseAddress, buffer.count)
        }
        if count > 0 {
          rest = rest.dropFirst(count)
        } else if errno != EINTR {
          throw SystemFailure(errno)
        }
      }
      if fsync(file.raw) != 0 { throw SystemFailure(errno) }
      if unsafe rename(new, path) != 0 { throw SystemFailure(errno) }
    } catch {
      if error.number != EEXIST { _ = unsafe unlink(new) }
      throw error
    }
  }
}
