// Floor 5. The places for a server's connections. Users share them: the user that has most gives up
// an idle one when another user finds none. Preferred peers share places of their own, which no
// other peer gets. VarlinkServer asks it for each new connection. Control thread; no lock.
import CLinuxSystem
import Glibc
import LinuxSystem

/// A server's open connections, by number and by user.
struct ConnectionPlaces {
  private(set) var all: [UInt64: ServerConnection] = [:]
  private(set) var ofUser: [UInt32: Int] = [:]
  private(set) var preferred = 0

  var count: Int { all.count }
  var isEmpty: Bool { all.isEmpty }

  mutating func add(_ connection: ServerConnection) {
    all[connection.id] = connection
    ofUser[connection.peer.user, default: 0] += 1
    if connection.standing.isPreferred { preferred += 1 }
  }

  /// False when it has no place.
  mutating func remove(_ connection: ServerConnection) -> Bool {
    guard all.removeValue(forKey: connection.id) != nil else { return false }
    let left = ofUser[connection.peer.user, default: 1] - 1
    ofUser[connection.peer.user] = left == 0 ? nil : left
    if connection.standing.isPreferred { preferred -= 1 }
    return true
  }

  /// What becomes of a new connection.
  enum Decision {
    case admitted
    /// Once this connection is closed.
    case insteadOf(ServerConnection, cause: String)
    case refused(cause: String)
  }

  /// - Parameter hasDescriptors: the descriptors that are left are not only those for preferred peers.
  func decide(
    _ user: UInt32, _ standing: PeerStanding, _ limits: ServerLimits, hasDescriptors: Bool
  ) -> Decision {
    let own = ofUser[user, default: 0]
    guard own < limits.connectionsPerUser else {
      return .refused(cause: "the user already has \(counted(own, "connection"))")
    }
    let others = standing.isPreferred ? preferred : count - preferred
    guard hasDescriptors || standing.isPreferred else {
      return .refused(cause: "no descriptors left (systemd: LimitNOFILE=)")
    }
    if others < limits.connections { return .admitted }
    if let oldest = idleOfLargest(standing, than: own + 1) {
      return .insteadOf(
        oldest,
        cause: "another user needs its place: it is idle, and its user has the most connections")
    }
    return .refused(cause: "there are already \(others) of other users")
  }

  private func oldestIdle(of user: UInt32) -> ServerConnection? {
    all.values.filter { $0.peer.user == user && $0.isIdle }.min { $0.lastUse < $1.lastUse }
  }

  /// The oldest idle connection of the user of that standing that has most connections, and more than
  /// `least`; of the next such user when all of its are in use.
  private func idleOfLargest(_ standing: PeerStanding, than least: Int) -> ServerConnection? {
    let equals = all.values.filter { $0.standing.isPreferred == standing.isPreferred }
    let users = Dictionary(grouping: equals, by: \.peer.user).filter { $0.value.count > least }
    for (user, _) in users.sorted(by: { ($0.value.count, $0.key) > ($1.value.count, $1.key) }) {
      if let oldest = oldestIdle(of: user) { return oldest }
    }
    return nil
  }
}

/// The numbers of descriptors that are kept for preferred peers and the process itself: the highest
/// ones. A new descriptor gets the lowest free number, so a server that refuses high ones leaves them free.
enum DescriptorReserve {
  /// The lowest number that only preferred peers may have.
  static var floor: Int32 {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
      return .max
    }
    let most = Int32(clamping: limit.rlim_cur)
    return most - min(256, most / 8)
  }

  /// Whether `count` more descriptors leave the reserve alone, as far as can be told now.
  /// - Parameter file: any open file.
  static func isFree(_ count: Int32, probing file: FileDescriptor) -> Bool {
    let next = linux_next_descriptor(file.raw)
    return next >= 0 && next <= floor - count
  }
}
