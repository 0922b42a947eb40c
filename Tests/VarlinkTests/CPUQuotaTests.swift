// Clients that keep the control thread busy. Time is the bench's own: these tests hold beside any
// load.
import CLinuxSystem
import Glibc
import LinuxSystem
import TestSupport
import Testing

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
  let start = bench.clock.now
  try client.socket.put(String(repeating: spin, count: 12))
  try bench.settle()
  // Each call takes 10 ms and brings 2; 50 had been saved up.
  #expect(bench.spun == 7)
  #expect(try client.take().replies.count == 7)
  try bench.settle()
  #expect(bench.spun == 7)
  try bench.settleAll()
  #expect(try client.take().replies.count == 5 && bench.spun == 12)
  // The last one's own cost comes after its answer.
  let least = Double(11 * 10_000_000 - savings(share)) / share
  #expect(Double(bench.clock.now - start) >= least)
}

/// Between two looks at its balance a user may be within its share again: what was taken from its
/// socket already wakes no loop.
@Test func aUserWhoseTimeComesAtOnceIsAnsweredOn() throws {
  var random = SeededGenerator(for: #function)
  for _ in 0..<repetitions(200) {
    let bench = try Bench(share: 0.2)
    bench.clock.drift = UInt64.random(in: 0...20_000_000, using: &random)
    let client = try bench.client()
    try client.socket.put(String(repeating: spin, count: 31))
    try bench.settleAll()
    #expect(try client.take().replies.count == 31)
  }
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
  let connection = try #require(bench.server.places.all.values.first)
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
  #expect(bench.spun == 7)
  try bench.settleAll()
  #expect(bench.spun == 20)
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
  try bench.settleAll()
  try bench.settleUntilLeft()
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
  try bench.settleAll()
  #expect(bench.spun == 6 && told == [getuid()])
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
  #expect(bench.server.places.count == 1)
}

@Test func usersWhoUseLittleAreForgotten() throws {
  let quota = CPUQuota(on: try EventLoop())
  for user in 0..<1000 as Range<UInt32> { quota.charge(user) {} }
  #expect(quota.users <= 65)
}

@Test func nobodyTakesMoreThanItsShareHoweverItIsUsed() throws {
  var random = SeededGenerator()
  let share = 0.3
  let time = QuotaClock()
  let quota = CPUQuota(on: try EventLoop(), share: share, clock: time.clock)
  let start = time.now
  var used: UInt64 = 0
  var longest: UInt64 = 0
  var turns = 0
  for _ in 0..<1000 {
    let wanted = UInt64.random(in: 0...4_000_000, using: &random)
    quota.whenAllowed(7) {
      time.use(wanted)
      used += wanted
      longest = max(longest, wanted)
      turns += 1
      let allowed = savings(share) + UInt64(Double(time.now - start) * share)
      #expect(used <= allowed + longest)
    }
  }
  #expect(turns < 1000)
  while time.skipToAlarm() {}
  #expect(turns == 1000)
  // Another user's is its own.
  var isDone = false
  quota.whenAllowed(8) { isDone = true }
  #expect(isDone)
}

@Test func theThreadsOwnProcessorTimeIsWhatIsCharged() throws {
  let loop = try EventLoop()
  let quota = CPUQuota(on: loop, share: 0.01)
  // Twenty times what can be saved up: 4.75 s of throttling.
  quota.charge(7) {
    let start = linux_thread_cpu_time(pthread_self())
    while linux_thread_cpu_time(pthread_self()) - start < 50_000_000 {}
  }
  #expect(quota.isThrottled(7) && !quota.isThrottled(8))
  // The loop's timer ends the wait, which is shorter with a larger share.
  quota.share = 1
  quota.whenAllowed(7) { loop.stop() }
  try loop.run()
}
