// Connected sockets and pipes, for tests of what reads and writes them.
import Glibc
package import LinuxSystem

/// Throws the error number of a call that failed. Not `#require`: a release build has no Testing.
private func check(_ succeeded: Bool, _ call: String) throws {
  if !succeeded { throw SystemError(errno, call) }
}

/// Two connected sockets.
package func socketPair() throws -> (FileDescriptor, FileDescriptor) {
  var raw: [Int32] = [0, 0]
  let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
  try check(socketpair(AF_UNIX, kind, 0, &raw) == 0, "socketpair")
  return (FileDescriptor(adopting: raw[0]), FileDescriptor(adopting: raw[1]))
}

/// A pipe's reading and writing end, the first without waiting.
package func pipeEnds() throws -> (FileDescriptor, FileDescriptor) {
  var raw: [Int32] = [0, 0]
  try check(pipe(&raw) == 0, "pipe")
  for end in raw { try check(fcntl(end, F_SETFD, FD_CLOEXEC) == 0, "fcntl") }
  try check(fcntl(raw[0], F_SETFL, O_NONBLOCK) == 0, "fcntl")
  return (FileDescriptor(adopting: raw[0]), FileDescriptor(adopting: raw[1]))
}

extension FileDescriptor {
  /// Sends bytes as they are; they must fit.
  package func put(_ bytes: [UInt8]) throws {
    try check(send(raw, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count, "send")
  }

  package func put(_ text: String) throws { try put(Array(text.utf8)) }
}
