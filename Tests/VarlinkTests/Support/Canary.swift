import CLinuxSystem
import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import Varlink

/// What tells one open file from others.
func inode(_ file: FileDescriptor) -> UInt64 {
  var status = stat()
  return fstat(file.raw, &status) == 0 ? UInt64(status.st_ino) : 0
}

/// Whether a descriptor that was sent away is open anywhere still: a pipe's writing end of which
/// the sender keeps none.
struct Canary {
  private let ear: FileDescriptor

  /// Sends bytes with a new canary, or with several.
  static func send(_ count: Int = 1, with bytes: [UInt8], over socket: FileDescriptor) throws
    -> Canary
  {
    let (ear, end) = try pipeEnds()
    let raw = [Int32](repeating: end.raw, count: count)
    guard linux_send(socket.raw, bytes, bytes.count, raw, count) == bytes.count else {
      throw SystemError(EPIPE)
    }
    return Canary(ear: ear)
  }

  var isAlive: Bool {
    var byte: UInt8 = 0
    return read(ear.raw, &byte, 1) < 0 && errno == EAGAIN
  }
}
