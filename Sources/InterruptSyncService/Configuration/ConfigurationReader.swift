// Where configuration meets the file system.
import Glibc
import UIO

enum ConfigurationReader {
  /// Whether the file is empty or /dev/null.
  /// - Throws: for what is no file, or cannot be looked at.
  static func isMask(_ path: String) throws(Diagnostic) -> Bool {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else {
      let number = errno
      var link = stat()
      let isThere = unsafe lstat(path, &link) == 0
      throw number == ENOENT && isThere
        ? Diagnostic(
          SourcePosition(path: path), "the symbolic link leads nowhere",
          hint: "let it lead to a file, or to /dev/null to mask those with this name")
        : failure(path, number)
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return status.st_size == 0
    // 1:3 of devices.txt, the kernel's list of device numbers.
    case S_IFCHR where status.st_rdev == 0x103: return true
    default:
      throw Diagnostic(
        SourcePosition(path: path), "not a regular file", hint: "let it be a file, or remove it")
    }
  }

  /// The bytes of a file, one more than the largest that is read at most.
  static func contents(_ path: String) throws(Diagnostic) -> [UInt8] {
    do throws(SystemFailure) {
      let file = try FileDescriptor.open(path, O_RDONLY | O_NONBLOCK)
      var bytes: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      while bytes.count <= ConfigurationParser.largestFile {
        let count = unsafe buffer.withUnsafeMutableBytes {
          unsafe Glibc.read(file.raw, $0.baseAddress, $0.count)
        }
        if count == 0 { break }
        if count > 0 {
          bytes += buffer[..<count]
        } else if errno != EINTR {
          throw SystemFailure(errno)
        }
      }
      return bytes
    } catch { throw failure(path, error.number) }
  }

  private static func failure(_ path: String, _ number: Int32) -> Diagnostic {
    Diagnostic(
      SourcePosition(path: path), "cannot be read: \(Errno.name(number))",
      hint: number == EACCES ? "let the daemon's user read it" : "")
  }
}
