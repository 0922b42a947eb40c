// Connected sockets and pipes, for tests of what reads, writes and closes them.
import Glibc
package import LinuxSystem

/// Throws the error number of a call that failed. Not `#require`: a release build has no Testing.
private func check(_ succeeded: Bool, _ call: String) throws {
  if !succeeded { throw SystemError(errno, call) }
}

/// Two connected sockets.
package func socketPair() throws -> (FileDescriptor, FileDescriptor) {
  let (first, second) = try rawSocketPair()
  return (FileDescriptor(adopting: first), FileDescriptor(adopting: second))
}

/// Two connected sockets that the caller closes.
package func rawSocketPair() throws -> (Int32, Int32) {
  var raw: [Int32] = [0, 0]
  let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
  try check(socketpair(AF_UNIX, kind, 0, &raw) == 0, "socketpair")
  return (raw[0], raw[1])
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

/// A socket whose last close waits a minute: it has SO_LINGER and unsent data, and its peer does not
/// read.
package struct LingeringSocket {
  package let raw: Int32
  private let peer: FileDescriptor

  package init() throws {
    let listener = FileDescriptor(adopting: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
    var room: Int32 = 4096
    _ = setsockopt(listener.raw, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<Int32>.size))
    raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let client = raw
    try withUnsafeMutablePointer(to: &address) { pointer in
      try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        try check(bind(listener.raw, address, size) == 0, "bind")
        try check(listen(listener.raw, 1) == 0, "listen")
        try check(getsockname(listener.raw, address, &size) == 0, "getsockname")
        try check(connect(client, address, size) == 0, "connect")
      }
    }
    peer = FileDescriptor(adopting: accept(listener.raw, nil, nil))
    let bytes = [UInt8](repeating: 0, count: 65536)
    while send(raw, bytes, bytes.count, Int32(MSG_DONTWAIT)) > 0 {}
    try check(setLinger(true), "setsockopt")
  }

  private func setLinger(_ isOn: Bool) -> Bool {
    var option = linger(l_onoff: isOn ? 1 : 0, l_linger: 60)
    return setsockopt(
      raw, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size)) == 0
  }

  /// Closes it without waiting, where nobody else has it.
  package func discard() {
    _ = setLinger(false)
    close(raw)
  }
}

/// Stands in place of close(2) and waits until it is opened.
package final class Gate: Sendable {
  private let monitor = Monitor()
  private let state = Guarded((closed: [Int32](), isOpen: false))

  package init() {}

  /// The first of the numbers of descriptors that do not hang. The kernel gives none so high, however
  /// many a process holds.
  package static let others: Int32 = 1 << 30

  /// Closes a descriptor, really, once the gate is open. Negative numbers stand for descriptors that
  /// hang, and those from `others` for some that do not: they are noted, and nothing is closed.
  package func close(_ raw: Int32) {
    monitor.locked {
      monitor.wait { state.withLock { raw < Self.others && !$0.isOpen } }
      state.withLock { $0.closed.append(raw) }
    }
    if (0..<Self.others).contains(raw) { Glibc.close(raw) }
  }

  package func open() {
    monitor.locked {
      state.withLock { $0.isOpen = true }
      monitor.broadcast()
    }
  }

  package var closed: [Int32] { state.withLock { $0.closed } }
}
