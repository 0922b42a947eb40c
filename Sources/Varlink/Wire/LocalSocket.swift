// Floor 5. A local socket: the address it has, and the peer at its other end as the kernel knows
// it. VarlinkClient connects, on its caller's thread, and waits for the time given; Service and
// Listener read addresses, and VarlinkServer and AccessPolicy peers, on the control thread. Values;
// no lock.
import CLinuxSystem
import LinuxSystem

/// Where a Varlink service listens: a path, or a name in the abstract namespace.
package struct SocketAddress: Equatable, Sendable, CustomStringConvertible {
  /// Without the `@`.
  package let name: String
  package let isAbstract: Bool

  package init(path: String) {
    name = path
    isAbstract = false
  }

  /// `/path`, `./path`, `unix:PATH` or `unix:@name`; what follows a `;` is for the service and
  /// ignored here.
  /// - Throws: `malformedAddress`.
  package init(_ text: String) throws(VarlinkError) {
    let scheme = "unix:"
    var rest = text[...]
    if text.hasPrefix(scheme) {
      rest = text.dropFirst(scheme.count).prefix { $0 != ";" }
    } else if !text.contains("/") || (text.contains(":") && !text.hasPrefix("/")) {
      throw Self.malformed(text, "not an address of a local socket")
    }
    isAbstract = text.hasPrefix(scheme) && rest.first == "@"
    if isAbstract { rest = rest.dropFirst() }
    name = String(rest)
    guard !name.isEmpty, !name.utf8.contains(0) else { throw Self.malformed(text, "no name in it") }
  }

  private static func malformed(_ text: String, _ cause: String) -> VarlinkError {
    VarlinkError(
      .malformedAddress, object: text, operation: "read an address", cause: cause,
      hint: "write a path with a slash, unix:PATH or unix:@NAME")
  }

  package var description: String { isAbstract ? "unix:@\(name)" : name }

  /// Calls with the name as the kernel's functions take it.
  func withName(_ body: (UnsafePointer<CChar>, Int) -> Int32) -> Int32 {
    unsafe name.withCString { unsafe body($0, name.utf8.count) }
  }

  /// A connected socket that does not block.
  func connect(milliseconds: UInt64) throws(SystemError) -> FileDescriptor {
    let socket = try Self.socket()
    let result = unsafe withName {
      unsafe linux_connect(socket.raw, $0, $1, isAbstract, milliseconds)
    }
    guard result == 0 else { throw SystemError(-result) }
    let mode = linux_set_nonblocking(socket.raw)
    guard mode == 0 else { throw SystemError(-mode) }
    return socket
  }

  /// - Parameter adopt: makes what closes it.
  static func socket(
    _ adopt: (Int32) -> FileDescriptor = { FileDescriptor(adopting: $0) }
  ) throws(SystemError) -> FileDescriptor {
    let raw = linux_socket()
    guard raw >= 0 else { throw SystemError(-raw) }
    return adopt(raw)
  }
}

// MARK: Peers

/// The process at the other end of a socket, as the kernel knew it when the connection was made.
package struct PeerCredentials: Equatable, Sendable {
  package let user: UInt32
  /// The primary group.
  package let group: UInt32
  package let process: Int32
  package let supplementaryGroups: [UInt32]

  package init(user: UInt32, group: UInt32, process: Int32, supplementaryGroups: [UInt32]) {
    self.user = user
    self.group = group
    self.process = process
    self.supplementaryGroups = supplementaryGroups
  }

  /// SO_PEERCRED and SO_PEERGROUPS. Nil when the kernel does not say: such a peer gets nothing.
  package init?(of socket: Int32) {
    var user: UInt32 = 0
    var group: UInt32 = 0
    var process: Int32 = 0
    guard unsafe linux_peer(socket, &user, &group, &process) == 0 else { return nil }
    guard let groups = Self.groups(of: socket, room: 64) ?? Self.groups(of: socket, room: 65536)
    else { return nil }
    self.init(
      user: user, group: group, process: process,
      supplementaryGroups: groups)
  }

  /// Nil when there are more than `room`; there are never more than 65536 (NGROUPS_MAX).
  private static func groups(of socket: Int32, room: Int) -> [UInt32]? {
    var groups = [UInt32](repeating: 0, count: room)
    let count = unsafe groups.withUnsafeMutableBufferPointer { buffer -> Int32 in
      guard let start = buffer.baseAddress else { return -1 }
      return unsafe linux_peer_groups(socket, start, buffer.count)
    }
    return count < 0 ? nil : Array(groups.prefix(Int(count)))
  }

  /// Whether the peer is in a group, primary or supplementary.
  package func isMember(of group: UInt32) -> Bool {
    self.group == group || supplementaryGroups.contains(group)
  }
}
