// Descriptors that the service manager passes: listening sockets, and what an earlier process of the
// daemon gave into its keeping (sd_listen_fds(3)).
import Glibc
package import UIO

/// What was passed, by name: the order differs from version to version, and names may repeat.
///
/// Only the control thread uses it.
package final class InheritedDescriptors {
  private var held: [(name: StoredName, file: FileDescriptor)] = []

  /// Takes over all descriptors that are meant for this process; none is passed on to a child.
  ///
  /// - Parameter first: number of the first; 3 but in tests.
  package init(_ environment: ServiceEnvironment, first: Int32 = 3) {
    guard Self.isAddressed(environment),
      let count = environment["LISTEN_FDS"].flatMap({ Int32($0) }),
      (1...65536).contains(count)
    else { return }
    let names = (environment["LISTEN_FDNAMES"] ?? "").split(
      separator: ":", omittingEmptySubsequences: false)
    for index in 0..<count {
      let number = first + index
      // Not open: closed by whoever started the daemon through a shell.
      guard fcntl(number, F_SETFD, FD_CLOEXEC) == 0 else { continue }
      let isNamed = names.count == Int(count)
      let name = isNamed ? StoredName(String(names[Int(index)])) : StoredName("unknown")
      held.append((name, FileDescriptor(adopting: number)))
    }
  }

  /// The number alone may be that of a parent which did not unset the variables.
  private static func isAddressed(_ environment: ServiceEnvironment) -> Bool {
    guard environment["LISTEN_PID"] == "\(environment.process)" else { return false }
    guard let identity = environment["LISTEN_PIDFDID"], let own = environment.processIdentity else {
      return true
    }
    return identity == "\(own)"
  }

  /// Names of what is left, each once, in the order they were passed.
  package var names: [StoredName] {
    var seen: Set<StoredName> = []
    return held.map(\.name).filter { seen.insert($0).inserted }
  }

  /// Gives away all descriptors of a name.
  package func take(_ name: StoredName) -> [FileDescriptor] {
    let taken = held.filter { $0.name == name }.map(\.file)
    held.removeAll { $0.name == name }
    return taken
  }

  /// Closes what is left but `kept`, here and in the manager's keeping.
  /// - Returns: the names.
  @discardableResult
  package func discard(
    from manager: ServiceManager, except kept: (StoredName) -> Bool = { _ in false }
  ) -> [StoredName] {
    let discarded = names.filter { !kept($0) }
    for name in discarded {
      _ = take(name)
      manager.remove(name)
    }
    return discarded
  }
}

/// The name of descriptors in the manager's keeping: printable ASCII without a colon, 255 at most.
package struct StoredName: Hashable, Sendable, CustomStringConvertible {
  package let description: String

  /// As the manager gives it back.
  package init(_ text: String) { description = text }

  /// The file of totals.
  package static let state = StoredName("state")
  /// The listening socket, as Varlink prescribes it.
  package static let varlink = StoredName("varlink")

  private static let devicePrefix = "uio-"
  private static let adoptedPrefix = "adopted-"

  /// That of a device by its stable id, in which what a name cannot have is written `%3a`; nil when
  /// that is too long. Not with a backslash: systemd takes those out of messages.
  package static func device(_ stableID: String) -> StoredName? {
    named(stableID, behind: devicePrefix)
  }

  /// That of a device whose descriptors were handed in: they stay while it is there, serviced or
  /// not, since the daemon could not open it again.
  package static func adopted(_ stableID: String) -> StoredName? {
    named(stableID, behind: adoptedPrefix)
  }

  private static func named(_ stableID: String, behind prefix: String) -> StoredName? {
    let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-_".utf8)
    var text = prefix
    for byte in stableID.utf8 {
      if plain.contains(byte) {
        text.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
    }
    return text.utf8.count <= 255 ? StoredName(text) : nil
  }

  /// Whether it is that of a socket, which the manager keeps by itself.
  package var isSocket: Bool { self == .varlink }

  package var isDevice: Bool {
    description.hasPrefix(Self.devicePrefix) || description.hasPrefix(Self.adoptedPrefix)
  }
}
