// Clients room. What each user may do: decided by the groups that the kernel reports for a peer,
// and never by default. Service makes one at the start and at each reload; ClientService asks it
// for every call. Values; groups are looked up when a policy is made, and a device's own groups at
// each call. Control thread; no lock.
import Glibc
import Varlink

/// What a client may do. Each role includes the previous one.
enum Role: Int, Comparable {
  case none
  /// Look.
  case observe
  /// Service devices and access their registers.
  case control
  /// Change what the daemon does.
  case admin

  static func < (left: Role, right: Role) -> Bool { left.rawValue < right.rawValue }
}

/// The groups of the roles. A group that does not exist has no members, and is reported once.
struct AccessPolicy {
  /// nil: every user that can connect.
  private let observers: Set<UInt32>?
  private let controllers: Set<UInt32>
  private let admins: Set<UInt32>

  /// - Parameter unknown: called with each group that the machine does not have.
  init(_ settings: DaemonSettings, unknown: (String) -> Void) {
    observers =
      settings.observeGroups.isEmpty ? nil : Self.numbers(settings.observeGroups, unknown)
    controllers = Self.numbers(settings.controlGroups, unknown)
    admins = Self.numbers(settings.adminGroups, unknown)
  }

  /// The role of a peer where no device says otherwise.
  func role(of peer: PeerCredentials) -> Role {
    if let role = privileged(peer) { return role }
    if Self.isMember(peer, controllers) { return .control }
    guard let observers else { return .observe }
    return Self.isMember(peer, observers) ? .observe : .none
  }

  /// The role of a peer with one device, whose own groups replace the daemon's.
  func role(of peer: PeerCredentials, for device: DeviceSettings?) -> Role {
    if let role = privileged(peer) { return role }
    guard let device else { return role(of: peer) }
    let controllers =
      device.controlGroups.isEmpty ? controllers : Self.numbers(device.controlGroups) { _ in }
    if Self.isMember(peer, controllers) { return .control }
    guard !device.observeGroups.isEmpty else { return min(role(of: peer), .observe) }
    let observers = Self.numbers(device.observeGroups) { _ in }
    return Self.isMember(peer, observers) ? .observe : .none
  }

  /// How far the server of the clients trusts a peer. AdoptDevice, which takes descriptors, is for
  /// admins.
  func standing(of peer: PeerCredentials) -> PeerStanding {
    let role = role(of: peer)
    return PeerStanding(
      isPreferred: role >= .admin, passesDescriptors: role >= .admin,
      sendsLargeMessages: role >= .control)
  }

  private func privileged(_ peer: PeerCredentials) -> Role? {
    peer.user == 0 || Self.isMember(peer, admins) ? .admin : nil
  }

  private static func isMember(_ peer: PeerCredentials, _ groups: Set<UInt32>) -> Bool {
    groups.contains(peer.group) || peer.supplementaryGroups.contains(where: groups.contains)
  }

  private static func numbers(_ names: [String], _ unknown: (String) -> Void) -> Set<UInt32> {
    var found: Set<UInt32> = []
    for name in names {
      if let number = number(name) { found.insert(number) } else { unknown(name) }
    }
    return found
  }

  /// A group's number, by its name or as given.
  static func number(_ name: String) -> UInt32? {
    if let number = UInt32(name) { return number }
    var entry = unsafe group()
    var result: UnsafeMutablePointer<group>?
    var room = [CChar](repeating: 0, count: 1 << 16)
    let error = unsafe getgrnam_r(name, &entry, &room, room.count, &result)
    guard error == 0, let result = unsafe result else { return nil }
    return unsafe result.pointee.gr_gid
  }
}
