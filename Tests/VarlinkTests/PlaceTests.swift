// Who gets a place among a server's connections when there are none left. Users are made up: a place
// is decided by the user that the kernel reports, and a test has but one.
import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import Varlink

/// A server whose connections have the users that a test says.
private final class Hall {
  let bench: Bench
  private var places = ConnectionPlaces()
  private var clients: [UInt64: FileDescriptor] = [:]
  private var last: UInt64 = 0
  private let limits: ServerLimits
  /// The connections that were given up; the first that came in has the number 1.
  private(set) var lostNumbers: [UInt64] = []

  init(connections: Int, perUser: Int) throws {
    limits = ServerLimits(connections: connections, connectionsPerUser: perUser)
    bench = try Bench()
  }

  /// Lets a user come in. Nil when it is refused; the users that lost a connection otherwise.
  func enter(_ user: UInt32, preferred: Bool = false, hasDescriptors: Bool = true) throws
    -> [UInt32]?
  {
    let standing = PeerStanding(isPreferred: preferred)
    var lost: [UInt32] = []
    switch places.decide(user, standing, limits, hasDescriptors: hasDescriptors) {
    case .refused: return nil
    case .admitted: break
    case .insteadOf(let other, _):
      let hadOne = places.remove(other)
      #expect(hadOne)
      lost.append(other.peer.user)
      lostNumbers.append(other.id)
    }
    last += 1
    let (ours, theirs) = try socketPair()
    clients[last] = ours
    let peer = PeerCredentials(user: user, group: user, process: 1, supplementaryGroups: [])
    places.add(
      ServerConnection(
        last, socket: theirs, peer: peer, standing: standing, adopt: nil, owner: bench.server,
        loop: bench.loop, quota: bench.server.quota, limits: limits))
    return lost
  }

  /// Something depends on every connection of the user.
  func keepBusy(_ user: UInt32) {
    for connection in places.all.values where connection.peer.user == user {
      connection.whenClosed {}
    }
  }

  func count(_ user: UInt32) -> Int { places.ofUser[user, default: 0] }
}

@Test func fourUsersWithAllPlacesLockNeitherRootNorAFifthUserOut() throws {
  let hall = try Hall(connections: 256, perUser: 64)
  for user in 1...4 as ClosedRange<UInt32> {
    for _ in 0..<64 { #expect(try hall.enter(user) == []) }
    #expect(try hall.enter(user) == nil)
  }
  // Root's places are its own: nobody loses one.
  for _ in 0..<64 { #expect(try hall.enter(0, preferred: true) == []) }
  // Everybody else gets places of those who have most, until all have the same.
  for _ in 0..<51 { #expect(try hall.enter(5)?.count == 1) }
  #expect(try hall.enter(5) == nil)
  let counts = (1...5).map { hall.count($0) }
  #expect(counts.reduce(0, +) == 256 && counts.allSatisfy { $0 == 51 || $0 == 52 })
}

@Test func rootFindsAPlaceAlsoWhenNoConnectionOfOthersIsIdle() throws {
  let hall = try Hall(connections: 8, perUser: 8)
  for user in 1...8 as ClosedRange<UInt32> { #expect(try hall.enter(user) == []) }
  for user in 1...8 as ClosedRange<UInt32> { hall.keepBusy(user) }
  #expect(try hall.enter(9) == nil)
  for _ in 0..<8 { #expect(try hall.enter(0, preferred: true) == []) }
}

@Test func aConnectionThatSomethingDependsOnIsNeverGivenUp() throws {
  let hall = try Hall(connections: 10, perUser: 10)
  for _ in 0..<6 { _ = try hall.enter(1) }
  for _ in 0..<4 { _ = try hall.enter(2) }
  hall.keepBusy(1)
  #expect(try hall.enter(3) == [2])
  hall.keepBusy(2)
  #expect(try hall.enter(3) == nil)
}

@Test func adminsShareTheirPlacesAsOtherUsersDo() throws {
  let hall = try Hall(connections: 8, perUser: 4)
  for user in [0, 1000] as [UInt32] {
    for _ in 0..<4 { #expect(try hall.enter(user, preferred: true) == []) }
    #expect(try hall.enter(user, preferred: true) == nil)
  }
  // Two admins have all places of admins; the third gets one of theirs.
  #expect(try hall.enter(1001, preferred: true)?.count == 1)
  #expect(hall.count(0) + hall.count(1000) == 7)
}

@Test func theLastDescriptorsAreForPreferredPeers() throws {
  let hall = try Hall(connections: 8, perUser: 4)
  #expect(try hall.enter(1, hasDescriptors: false) == nil)
  #expect(try hall.enter(0, preferred: true, hasDescriptors: false) == [])
}

@Test func theOldestIdleConnectionGoesFirst() throws {
  let hall = try Hall(connections: 4, perUser: 4)
  for _ in 0..<4 { _ = try hall.enter(1) }
  _ = try hall.enter(2)
  _ = try hall.enter(2)
  // They came in that order, and none was used since.
  #expect(hall.lostNumbers == [1, 2])
}

@Test func descriptorsInTheReserveAreLeftForPreferredPeers() async throws {
  // In a process of its own: the limit is everybody's.
  await #expect(processExitsWith: .success) {
    let folder = try TemporaryFolder()
    let address = SocketAddress(path: folder.path("socket"))
    let bench = try Bench(limits: ServerLimits(connections: 500, connectionsPerUser: 500))
    try bench.server.listen(at: address)
    try limitFiles(200)
    let floor = DescriptorReserve.floor
    guard floor == 200 - 200 / 8 else { exit(2) }
    guard bench.server.hasDescriptors(4) else { exit(3) }
    var used: [FileDescriptor] = []
    while used.last.map({ $0.raw < floor - 3 }) ?? true {
      used.append(try FileDescriptor.open("/dev/null", O_RDONLY))
    }
    guard !bench.server.hasDescriptors(4) else { exit(4) }
    let clients = try (0..<4).map { _ in try address.connect(milliseconds: 1000) }
    try bench.settle()
    // The clients' own descriptors are the last that were free below the reserve.
    guard bench.server.places.isEmpty, bench.notices.count == 4 else { exit(5) }
    guard bench.notices[0].description.contains("LimitNOFILE=") else { exit(6) }
    bench.server.standing = { _ in PeerStanding(isPreferred: true) }
    let root = BenchClient(try address.connect(milliseconds: 1000))
    try root.socket.put(#"{"method":"org.varlink.service.GetInfo"}"# + "\0")
    try bench.settle()
    guard try root.take().replies.count == 1 else { exit(7) }
    withExtendedLifetime((used, clients)) {}
  }
}

private func limitFiles(_ count: rlim_t) throws {
  var limit = rlimit(rlim_cur: count, rlim_max: count)
  try #require(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
}
