// Systemd room. The text of the last accepted configuration in a sealed memory file that the
// service manager keeps while the daemon is not running. ConfigurationStart reads it before there
// is another thread; ServiceManagerBridge writes it after each accepted one. Control thread; no
// lock.
//
// A line `interruptsync configuration 1 LENGTH CHECKSUM`, then LENGTH bytes of text. Later versions
// may add words to the line.
import CUIO
import Glibc
package import LinuxSystem

package enum KeptConfiguration {
  private static let title = "interruptsync configuration"
  static let largest = 64 << 20

  /// Makes a file that no process can change any more.
  /// - Throws: `SystemError`.
  package static func file(_ text: String) throws(SystemError) -> FileDescriptor {
    let sum = Checksum.of(text.utf8)
    let bytes = Array("\(title) 1 \(text.utf8.count) \(sum)\n\(text)".utf8)
    let fd = unsafe linux_memory_of_bytes("interruptsync-configuration", bytes, bytes.count)
    guard fd >= 0 else { throw SystemError(-fd, "create a memory file") }
    return FileDescriptor(adopting: fd)
  }

  /// The text of an earlier process, whose version may differ.
  /// - Throws: `StateFault` if it cannot be trusted.
  package static func text(_ file: FileDescriptor) throws(StateFault) -> String {
    let bytes = try contents(file)
    let line = bytes.prefix { $0 != UInt8(ascii: "\n") }
    let words = String(decoding: line, as: UTF8.self).split(separator: " ")
    guard words.count >= 5, words[0...1].joined(separator: " ") == title else {
      throw StateFault("it has no header")
    }
    let text = bytes.dropFirst(line.count + 1)
    guard UInt64(words[3]) == UInt64(text.count) else {
      throw StateFault("it does not have the length of its header")
    }
    guard UInt64(words[4]) == Checksum.of(text) else { throw StateFault("its checksum is wrong") }
    guard let string = String(validating: text, as: UTF8.self) else {
      throw StateFault("it is not text")
    }
    return string
  }

  private static func contents(_ file: FileDescriptor) throws(StateFault) -> [UInt8] {
    var status = stat()
    guard unsafe fstat(file.raw, &status) == 0 else {
      throw StateFault("it cannot be examined (\(Errno.name(errno)))")
    }
    guard status.st_mode & S_IFMT == S_IFREG, (0...off_t(largest)).contains(status.st_size) else {
      throw StateFault("it is not a file of the size that a configuration has")
    }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var filled = 0
    while filled < bytes.count {
      let count = unsafe bytes[filled...].withUnsafeMutableBytes {
        unsafe pread(file.raw, $0.baseAddress, $0.count, off_t(filled))
      }
      if count == 0 { throw StateFault("it ends too early") }
      if count < 0, errno != EINTR {
        throw StateFault("it cannot be read (\(Errno.name(errno)))")
      }
      filled += max(count, 0)
    }
    return bytes
  }
}
