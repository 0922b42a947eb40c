// Connected sockets and pipes, for tests of what reads and writes them.
import Glibc
package import LinuxSystem
import Testing

/// Two connected sockets.
package func socketPair() throws -> (FileDescriptor, FileDescriptor) {
  var raw: [Int32] = [0, 0]
  try #require(
    socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &raw) == 0)
  return (FileDescriptor(adopting: raw[0]), FileDescriptor(adopting: raw[1]))
}

/// A pipe's reading and writing end, the first without waiting.
package func pipeEnds() throws -> (FileDescriptor, FileDescriptor) {
  var raw: [Int32] = [0, 0]
  try #require(pipe(&raw) == 0)
  for end in raw { try #require(fcntl(end, F_SETFD, FD_CLOEXEC) == 0) }
  try #require(fcntl(raw[0], F_SETFL, O_NONBLOCK) == 0)
  return (FileDescriptor(adopting: raw[0]), FileDescriptor(adopting: raw[1]))
}

extension FileDescriptor {
  /// Sends bytes as they are; they must fit.
  package func put(_ bytes: [UInt8]) throws {
    try #require(send(raw, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count)
  }

  package func put(_ text: String) throws { try put(Array(text.utf8)) }
}
