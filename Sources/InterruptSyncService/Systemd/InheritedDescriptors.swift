// Systemd room. Descriptors that the service manager passes at start (sd_listen_fds(3)): listening
// sockets, and what an earlier process of the daemon stored; and the names that they are stored
// under. `main` makes it, ServiceManagerBridge takes from it; DeviceOpener and VFIOFunctions make
// names. Control thread; no lock.
import Glibc
package import LinuxSystem

/// The name of stored descriptors: printable ASCII without a colon, 255 at most.
package struct StoredName: Hashable, Sendable, CustomStringConvertible {
  package let description: String

  /// As the manager gives it back.
  package init(_ text: String) { description = text }

  /// The file of totals.
  package static let state = StoredName("state")
  /// The last accepted configuration.
  package static let configuration = StoredName("configuration")
  /// The listening socket, as Varlink prescribes it.
  package static let varlink = StoredName("varlink")

  private static let devicePrefix = "uio-"
  private static let adoptedPrefix = "adopted-"
  private static let vfioPrefix = "vfio-"

  /// The name for a serviced device, by its stable id. A character that a name cannot have is
  /// written `%3a`, not with a backslash: systemd removes those from messages. Nil if the name is
  /// too long.
  package static func device(_ stableID: String) -> StoredName? {
    named(devicePrefix, stableID)
  }

  /// The name for a device whose descriptors were handed in. They stay while the device is present,
  /// serviced or not, because the daemon could not open it again.
  package static func adopted(_ stableID: String) -> StoredName? {
    named(adoptedPrefix, stableID)
  }

  /// The descriptors of an open function of VFIO's.
  package enum FunctionPart: String, CaseIterable, Sendable { case device, group, container }

  /// The name for one of a function, by its stable id.
  package static func function(_ part: FunctionPart, _ stableID: String) -> StoredName? {
    named("\(vfioPrefix)\(part)-", stableID)
  }

  /// The name for the eventfd of a vector, by the vector's id.
  package static func vector(_ id: String) -> StoredName? { named("\(vfioPrefix)line-", id) }

  private static func named(_ prefix: String, _ stableID: String) -> StoredName? {
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

  /// True for a listening socket, which the manager keeps unasked.
  package var isSocket: Bool { self == .varlink }

  package var isDevice: Bool {
    [Self.devicePrefix, Self.adoptedPrefix, Self.vfioPrefix].contains(
      where: description.hasPrefix)
  }
}

/// The passed descriptors, by name: the order differs between versions of systemd, and names may
/// repeat.
package final class InheritedDescriptors {
  private var held: [(name: StoredName, file: FileDescriptor)] = []

  /// Takes over all descriptors that are meant for this process. No child inherits them.
  ///
  /// - Parameter first: number of the first; 3 except in tests.
  package init(_ environment: ServiceEnvironment, first: Int32 = 3) {
    guard Self.isAddressed(environment),
      let count = environment["LISTEN_FDS"].flatMap({ Int32($0) }),
      (1...65536).contains(count)
    else { return }
    let names = (environment["LISTEN_FDNAMES"] ?? "").split(
      separator: ":", omittingEmptySubsequences: false)
    for index in 0..<count {
      let number = first + index
      // Not open: a shell between the manager and the daemon closed it.
      guard fcntl(number, F_SETFD, FD_CLOEXEC) == 0 else { continue }
      let isNamed = names.count == Int(count)
      let name = isNamed ? StoredName(String(names[Int(index)])) : StoredName("unknown")
      held.append((name, FileDescriptor(adopting: number)))
    }
  }

  /// The process number alone may be that of a parent which did not unset the variables.
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

  /// The first descriptor of a name, which stays here.
  package func first(_ name: StoredName) -> FileDescriptor? {
    held.first { $0.name == name }?.file
  }

  /// Gives away all descriptors of a name.
  package func take(_ name: StoredName) -> [FileDescriptor] {
    let taken = held.filter { $0.name == name }.map(\.file)
    held.removeAll { $0.name == name }
    return taken
  }

  /// Closes what is left except `kept`, here and in the manager's store.
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
