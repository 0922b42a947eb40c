import CLinuxSystem
import Glibc
import LinuxSystem
import Testing

@testable import Varlink

/// Two connected sockets.
func socketPair() throws -> (FileDescriptor, FileDescriptor) {
  var raw: [Int32] = [0, 0]
  try #require(
    socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &raw) == 0)
  return (FileDescriptor(adopting: raw[0]), FileDescriptor(adopting: raw[1]))
}

/// A pipe's reading and writing end, the first without waiting.
func pipeEnds() throws -> (FileDescriptor, FileDescriptor) {
  var raw: [Int32] = [0, 0]
  try #require(pipe(&raw) == 0)
  for end in raw { try #require(fcntl(end, F_SETFD, FD_CLOEXEC) == 0) }
  try #require(fcntl(raw[0], F_SETFL, O_NONBLOCK) == 0)
  return (FileDescriptor(adopting: raw[0]), FileDescriptor(adopting: raw[1]))
}

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
    guard cvarlink_send(socket.raw, bytes, bytes.count, raw, count) == bytes.count else {
      throw SystemFailure(EPIPE)
    }
    return Canary(ear: ear)
  }

  var isAlive: Bool {
    var byte: UInt8 = 0
    return read(ear.raw, &byte, 1) < 0 && errno == EAGAIN
  }
}

extension FileDescriptor {
  /// Sends bytes as they are; they must fit.
  func put(_ bytes: [UInt8]) throws {
    try #require(send(raw, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count)
  }

  func put(_ text: String) throws { try put(Array(text.utf8)) }
}
