import CLinuxSystem
package import LinuxSystem

/// Who is at the other end of a socket, as the kernel knew it when the connection was made.
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
  package init?(of socket: FileDescriptor) {
    var user: UInt32 = 0
    var group: UInt32 = 0
    var process: Int32 = 0
    guard unsafe cvarlink_peer(socket.raw, &user, &group, &process) == 0 else { return nil }
    guard let groups = Self.groups(of: socket, room: 64) ?? Self.groups(of: socket, room: 65536)
    else { return nil }
    self.init(
      user: user, group: group, process: process,
      supplementaryGroups: groups)
  }

  /// Nil when there are more than `room`; there are never more than 65536 (NGROUPS_MAX).
  private static func groups(of socket: FileDescriptor, room: Int) -> [UInt32]? {
    var groups = [UInt32](repeating: 0, count: room)
    let count = unsafe groups.withUnsafeMutableBufferPointer { buffer -> Int32 in
      guard let start = buffer.baseAddress else { return -1 }
      return unsafe cvarlink_peer_groups(socket.raw, start, buffer.count)
    }
    return count < 0 ? nil : Array(groups.prefix(Int(count)))
  }

  /// Whether the peer is in a group, primary or supplementary.
  package func isMember(of group: UInt32) -> Bool {
    self.group == group || supplementaryGroups.contains(group)
  }
}
