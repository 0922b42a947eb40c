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
