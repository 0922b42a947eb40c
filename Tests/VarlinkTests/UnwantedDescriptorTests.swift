// Descriptors that a server did not ask for, above all those whose last close waits: a minute for each
// that the loop's thread closes, or that recvmsg(2) drops on it.
import CLinuxSystem
import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import Varlink

private let echo = Array(
  (#"{"method":"org.example.bench.Echo","parameters":{"text":"a"}}"# + "\0").utf8)
private let later = Array((#"{"method":"org.example.bench.Later","parameters":{}}"# + "\0").utf8)

/// A bench whose clients may send no descriptors.
private func strictBench(_ limits: ServerLimits = ServerLimits()) throws -> Bench {
  let bench = try Bench(limits: limits)
  bench.server.standing = { _ in PeerStanding(passesDescriptors: false) }
  return bench
}

/// Runs a body on the loop's thread and fails when it waited for a lingering socket.
private func withoutWaiting(_ body: () throws -> Void) rethrows {
  let start = EventLoop.now
  try body()
  #expect(EventLoop.now - start < 30_000_000_000, "the loop's thread waited")
}

/// Sent before the connection is taken, descriptors pass on every kernel.
@Test func aDescriptorOfWhoeverMaySendNoneEndsTheConnectionAndIsNotReceived() throws {
  let bench = try strictBench()
  var canary: Canary?
  let client = try bench.client { canary = try Canary.send(with: echo, over: $0) }
  try bench.settle()
  let taken = try client.take()
  #expect(taken.replies.isEmpty && taken.isClosed)
  #expect(bench.notices.map(\.description).contains { $0.contains("may not send any") })
  #expect(canary?.dies == true && bench.echoed.isEmpty)
}

@Test func aDescriptorBehindAMessageEndsTheConnectionToo() throws {
  let bench = try strictBench()
  let client = try bench.client {
    try $0.put(echo)
    _ = try Canary.send(with: echo, over: $0)
  }
  try bench.settle()
  #expect(try client.take().isClosed)
}

@Test func fromLinux6_16TheKernelRefusesDescriptorsThatNobodyTakes() throws {
  let bench = try strictBench()
  let client = try bench.client()
  let other = try socketPair().0
  guard linux_accept_descriptors(other.raw, false) == 0 else {
    // Older: the same as for those sent early.
    _ = try Canary.send(with: echo, over: client.socket)
    try bench.settle()
    #expect(try client.take().isClosed)
    return
  }
  let error = try #require(throws: SystemError.self) {
    _ = try Canary.send(with: echo, over: client.socket)
  }
  #expect(error.number == EPERM)
  // Calls without descriptors go on.
  try client.socket.put(echo)
  try bench.settle()
  #expect(try client.take().replies.count == 1)
}

@Test func aDescriptorWhoseCloseWaitsHoldsUpNobody() throws {
  for mayPass in [false, true] {
    let bench = try Bench()
    bench.server.standing = { _ in PeerStanding(passesDescriptors: mayPass) }
    var lingering: LingeringSocket?
    let client = try bench.client { lingering = try Canary.sendLingering(with: echo, over: $0) }
    try withoutWaiting {
      try bench.settle()
      // Whoever may send descriptors has them closed unseen.
      let taken = try client.take()
      #expect(taken.isClosed == !mayPass && taken.replies.count == (mayPass ? 1 : 0))
    }
    withExtendedLifetime(lingering) {}
  }
}

@Test func aConnectionThatIsRefusedUnreadHoldsUpNobody() throws {
  let bench = try strictBench(ServerLimits(connectionsPerUser: 1))
  let first = try bench.client()
  var lingering: LingeringSocket?
  try withoutWaiting {
    let client = try bench.client { lingering = try Canary.sendLingering(with: echo, over: $0) }
    #expect(bench.notices.count == 1)
    #expect(try client.take().isClosed)
    try first.socket.put(echo)
    try bench.settle()
    #expect(try first.take().replies.count == 1)
  }
  withExtendedLifetime(lingering) {}
}

@Test func whatIsUnreadWhenAConnectionClosesHoldsUpNobody() throws {
  let bench = try strictBench()
  var lingering: LingeringSocket?
  let client = try bench.client {
    // The call is not answered, so nothing after it is read.
    try $0.put(later)
    lingering = try Canary.sendLingering(with: echo, over: $0)
  }
  withExtendedLifetime(client) {}
  try withoutWaiting {
    try bench.settle()
    bench.server.stop()
    #expect(bench.server.places.isEmpty)
  }
  withExtendedLifetime(lingering) {}
}

@Test func connectionsThatNobodyTookHoldUpTheEndOfNobody() throws {
  let folder = try TemporaryFolder()
  let address = SocketAddress(path: folder.path("socket"))
  var lingering: LingeringSocket?
  var client: FileDescriptor?
  try withoutWaiting {
    let bench = try strictBench()
    try bench.server.listen(at: address)
    let socket = try address.connect(milliseconds: 1000)
    // From Linux 6.16 the kernel refuses it.
    lingering = try? Canary.sendLingering(with: echo, over: socket)
    client = socket
    bench.server.stop()
  }
  withExtendedLifetime((lingering, client)) {}
}

@Test func credentialsThatASocketUnitAsksForAreNotTakenForDescriptors() throws {
  let bench = try strictBench()
  let (ours, theirs) = try rawSocketPair()
  var isOn: Int32 = 1
  let size = socklen_t(MemoryLayout<Int32>.size)
  try #require(setsockopt(theirs, SOL_SOCKET, SO_PASSCRED, &isOn, size) == 0)
  bench.server.adopt(theirs)
  let client = BenchClient(FileDescriptor(adopting: ours))
  try client.socket.put(echo)
  try bench.settle()
  #expect(try client.take().replies.count == 1)
}

@Test func aUserWhoseClosesHangGetsNoMoreConnectionsAndOthersDo() throws {
  let gate = Gate()
  let closer = try DescriptorCloser { gate.close($0) }
  let bench = try Bench(limits: ServerLimits(closesPerUser: 4), closer: closer)
  var isPreferred = false
  bench.server.standing = { _ in PeerStanding(isPreferred: isPreferred) }
  for _ in 0..<4 { _ = try bench.client() }
  // The clients are gone, and their sockets are not closed.
  try bench.settleUntilLeft()
  #expect(closer.pending == 4)
  _ = try bench.client()
  #expect(bench.notices.last?.description.contains("wait to be closed") == true)
  // Another user, one that is preferred.
  isPreferred = true
  let other = try bench.client()
  try other.socket.put(echo)
  try bench.settle()
  #expect(try other.take().replies.count == 1)
  gate.open()
  while closer.pending > 0 { sched_yield() }
  isPreferred = false
  let next = try bench.client()
  try next.socket.put(echo)
  try bench.settle()
  #expect(try next.take().replies.count == 1)
}

@Test func aClientWaitsUntilItsDescriptorsAreWelcome() throws {
  let service = try ThreadedService()
  defer { service.stop() }
  let client = try VarlinkClient(service.path, timeout: .seconds(20))
  let (reading, _) = try pipeEnds()
  let reply = try client.call("org.example.bench.Swap", ["first": 0], descriptors: [reading])
  #expect(reply.descriptors.map(inode) == [inode(reading)])
}
