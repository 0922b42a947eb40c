// Clients that keep the control thread busy.
import CLinuxSystem
import Glibc
import TestSupport
import Testing
import LinuxSystem

@testable import Varlink

private let spin =
  #"{"method":"org.example.bench.Spin","parameters":{"microseconds":10000}}"# + "\0"
private let echo = #"{"method":"org.example.bench.Echo","parameters":{"text":"a"}}"# + "\0"

/// What a user may save up, as long as it lasts when all of a processor is used.
private func savings(_ share: Double) -> UInt64 { UInt64(250e6 * share) }

@Test func aUserWhoTakesMoreThanItsShareWaitsInItsSocket() throws {
  let share = 0.2
  let bench = try Bench(share: share)
  let client = try bench.client()
  let start = EventLoop.now
  try client.socket.put(String(repeating: spin, count: 12))
  try bench.settle()
  #expect(bench.spun >= 5 && bench.spun < 12, "\(bench.spun)")
  while bench.spun < 12 { try bench.loop.turn() }
  try bench.settle()
  #expect(try client.take().replies.count == 12)
  // The last one's own cost comes after its answer.
  let least = Double(11 * 10_000_000 - savings(share)) / share
  #expect(Double(EventLoop.now - start) >= least)
}

@Test func whoIsExemptAndOtherwiseIdleIsAnsweredMeanwhile() throws {
  let bench = try Bench(share: 0.01)
  let greedy = try bench.client()
  bench.server.quota.exempts = { _ in true }
  let other = try bench.client()
  try greedy.socket.put(String(repeating: spin, count: 3))
  try bench.settle()
  #expect(bench.spun < 3)
  for _ in 0..<100 { try other.socket.put(echo) }
  try bench.settle()
  #expect(try other.take().replies.count == 100)
  #expect(try greedy.take().replies.count == bench.spun)
}

@Test func aConnectionThatIsExemptedNoLongerWaits() throws {
  let bench = try Bench(share: 0.01)
  let client = try bench.client()
  let connection = try #require(bench.server.connections.values.first)
  connection.exempt()
  try client.socket.put(String(repeating: spin, count: 5))
  try bench.settle()
  #expect(bench.spun == 5)
}

@Test func allConnectionsOfAUserShareItsTimeAndNoneStarves() throws {
  let bench = try Bench(share: 0.2)
  let clients = try (0..<10).map { _ in try bench.client() }
  for client in clients { try client.socket.put(String(repeating: spin, count: 2)) }
  try bench.settle()
  #expect(bench.spun < 20)
  while bench.spun < 20 { try bench.loop.turn() }
  try bench.settle()
  #expect(try clients.allSatisfy { try $0.take().replies.count == 2 })
}

@Test func aClientThatLeavesWhileItWaitsHasItsCallsDone() throws {
  let bench = try Bench(share: 0.05)
  do {
    let client = try bench.client()
    for _ in 0..<3 {
      try client.socket.put(String(spin.dropLast(2)) + #","oneway":true}"# + "\0")
    }
    try bench.settle()
    #expect(bench.spun < 3)
  }
  // That it has left makes the loop turn no more than its calls do.
  try bench.settle()
  while !bench.server.connections.isEmpty { try bench.loop.turn() }
  #expect(bench.spun == 3)
}

@Test func aStreamOfAUserWithoutTimeIsSentAllTheSame() throws {
  let bench = try Bench(share: 0.01)
  let watcher = try bench.client()
  try watcher.socket.put(#"{"method":"org.example.bench.Watch","more":true}"# + "\0")
  try bench.settle()
  let greedy = try bench.client()
  try greedy.socket.put(String(repeating: spin, count: 3))
  try bench.settle()
  let call = try #require(bench.waiting.first)
  #expect(call.send(["number": 1]) == .queued)
  #expect(try watcher.take().replies.count == 1)
}

@Test func aUserThatIsHeldUpIsToldOfOnce() throws {
  let bench = try Bench(share: 0.1)
  var told: [UInt32] = []
  bench.server.quota.observe = { told.append($0) }
  let client = try bench.client()
  try client.socket.put(String(repeating: spin, count: 6))
  while bench.spun < 6 { try bench.loop.turn() }
  #expect(told == [getuid()])
}

@Test func connectionsOfAUserWithoutTimeAreRefusedSoManyATurn() throws {
  let bench = try Bench(limits: ServerLimits(connectionsPerUser: 1), share: 0.01)
  let folder = try TemporaryFolder()
  let address = SocketAddress(path: folder.path("socket"))
  try bench.server.listen(at: address)
  let greedy = try address.connect(milliseconds: 1000)
  try greedy.put(String(repeating: spin, count: 2))
  try bench.settle()
  let others = try (0..<100).map { _ in try address.connect(milliseconds: 1000) }
  try bench.loop.turn(milliseconds: 0)
  #expect(bench.notices.count == 32)
  while bench.notices.count < others.count { try bench.loop.turn() }
  #expect(bench.server.connections.count == 1)
}

@Test func usersWhoUseLittleAreForgotten() throws {
  let quota = CPUQuota(on: try EventLoop())
  for user in 0..<1000 as Range<UInt32> { quota.charge(user) {} }
  #expect(quota.users <= 65)
}

@Test func nobodyTakesMoreThanItsShareHoweverItIsUsed() throws {
  var random = SeededGenerator()
  let loop = try EventLoop()
  let share = 0.3
  let quota = CPUQuota(on: loop, share: share)
  let start = EventLoop.now
  var used: UInt64 = 0
  var longest: UInt64 = 0
  var turns = 0
  for _ in 0..<100 {
    let wanted = UInt64.random(in: 0...4_000_000, using: &random)
    quota.whenAllowed(7) {
      let before = cvarlink_thread_time()
      while cvarlink_thread_time() - before < wanted {}
      let time = cvarlink_thread_time() - before
      used += time
      longest = max(longest, time)
      turns += 1
      let allowed = savings(share) + UInt64(Double(EventLoop.now - start) * share)
      #expect(used <= allowed + longest)
    }
  }
  while turns < 100 { try loop.turn() }
  // Another user's is its own.
  var isDone = false
  quota.whenAllowed(8) { isDone = true }
  #expect(isDone)
}
