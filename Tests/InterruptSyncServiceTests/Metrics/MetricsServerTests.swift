// Who reads the metrics slowly, not at all, or without end.
import CLinuxSystem
import Glibc
import LinuxSystem
import TestSupport
import Testing
import UIO

@testable import InterruptSyncService
@testable import Varlink

/// A server on a loop of the test's own.
private final class Bench {
  let loop: EventLoop
  let quota: CPUQuota
  let server: MetricsServer
  let folder: TemporaryFolder
  let path: String

  init(
    limits: ClientLimits = ClientLimits(), patience: Duration = .seconds(60),
    text: String? = "figures\n", share: Double = 1
  ) throws {
    folder = try TemporaryFolder()
    path = folder.path("metrics")
    loop = try EventLoop()
    quota = CPUQuota(on: loop, share: share)
    server = MetricsServer(on: loop, limits: limits, quota: quota, patience: patience)
    server.text = { _ in text }
    try server.listen(at: path)
  }

  func client() throws -> FileDescriptor {
    try SocketAddress(path: path).connect(milliseconds: 60_000)
  }

  /// Turns until nothing is left to be done.
  func settle() throws { while try loop.turn(milliseconds: 0) > 0 {} }
}

private func put(_ socket: FileDescriptor, _ text: String) {
  let bytes = Array(text.utf8)
  #expect(send(socket.raw, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count)
}

/// What has come: nil while nothing has and the connection is open.
private func take(_ socket: FileDescriptor, room: Int = 1 << 20) -> String? {
  var bytes = [UInt8](repeating: 0, count: room)
  let count = recv(socket.raw, &bytes, room, Int32(MSG_DONTWAIT))
  if count < 0 { return errno == EAGAIN ? nil : "" }
  return String(decoding: bytes.prefix(count), as: UTF8.self)
}

private let request = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"

@Test func requestIsAnsweredAndTheConnectionClosed() throws {
  let bench = try Bench()
  let client = try bench.client()
  for byte in request {
    #expect(take(client) == nil)
    put(client, String(byte))
    try bench.settle()
  }
  let answer = try #require(take(client))
  #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.hasSuffix("\r\n\r\nfigures\n"))
  #expect(take(client) == "")
  #expect(bench.server.isIdle)
}

@Test(arguments: [
  ("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "200"),
  ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "404"),
  ("POST / HTTP/1.1\r\nHost: x\r\n\r\n", "404"),
  ("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "405"),
  ("GET /metrics HTTP/1.1\r\n\r\n", "400"),
  ("GET /metrics HTTP/3.0\r\nHost: x\r\n\r\n", "505"),
  (String(repeating: "x", count: 9000), "431"),
])
func requestsOfEveryKindAreAnswered(text: String, status: String) throws {
  let bench = try Bench()
  let client = try bench.client()
  put(client, text)
  try bench.settle()
  let answer = try #require(take(client))
  #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
  #expect(answer.contains("\r\nConnection: close\r\n"))
  if text.hasPrefix("HEAD") { #expect(answer.hasSuffix("\r\n\r\n")) }
  #expect(bench.server.isIdle)
}

@Test func whoMayLookAtNothingIsRefused() throws {
  let bench = try Bench(text: nil)
  let client = try bench.client()
  put(client, request)
  try bench.settle()
  #expect(take(client)?.hasPrefix("HTTP/1.1 403 ") == true)
}

@Test func requestThatDoesNotEndIsCutOff() throws {
  let bench = try Bench(patience: .seconds(1))
  let (silent, slow) = (try bench.client(), try bench.client())
  put(slow, "GET /metrics HTTP/1.1\r\n")
  try bench.settle()
  while !bench.server.isIdle { try bench.loop.turn() }
  #expect(take(silent) == "")
  #expect(take(slow)?.hasPrefix("HTTP/1.1 408 ") == true)
}

@Test func answerThatIsNotReadHoldsNobodyUp() throws {
  let bench = try Bench(text: String(repeating: "x", count: 4 << 20))
  let (slow, other) = (try bench.client(), try bench.client())
  put(slow, request)
  try bench.settle()
  #expect(!bench.server.isIdle)
  put(other, request)
  var received = 0
  while true {
    try bench.loop.turn(milliseconds: 0)
    let piece = take(other)
    if piece == "" { break }
    received += piece?.utf8.count ?? 0
  }
  #expect(received > 4 << 20)
  #expect(!bench.server.isIdle)
}

@Test func answerThatIsNeverReadIsCutOff() throws {
  let bench = try Bench(patience: .seconds(1), text: String(repeating: "x", count: 4 << 20))
  let slow = try bench.client()
  put(slow, request)
  while bench.server.isIdle { try bench.loop.turn() }
  while !bench.server.isIdle { try bench.loop.turn() }
  var received = 0
  while let piece = take(slow), piece != "" { received += piece.utf8.count }
  #expect(received > 0 && received < 4 << 20)
}

@Test func connectionsBeyondTheLimitsAreTurnedAway() throws {
  for (all, ofUser) in [(3, 100), (100, 3)] {
    var limits = ClientLimits()
    (limits.connections, limits.connectionsPerUser) = (all, ofUser)
    let bench = try Bench(limits: limits)
    var clients = try (0..<4).map { _ in try bench.client() }
    try bench.settle()
    #expect(clients.prefix(3).allSatisfy { take($0) == nil })
    #expect(take(clients[3])?.hasPrefix("HTTP/1.1 503 ") == true)
    clients.removeFirst()
    try bench.settle()
    let next = try bench.client()
    put(next, request)
    try bench.settle()
    #expect(take(next)?.hasPrefix("HTTP/1.1 200 ") == true)
  }
}

@Test func whoHasHadItsShareOfTheProcessorWaitsForTheFigures() throws {
  let bench = try Bench(share: 0.01)
  // All that can be saved up, and as much again.
  bench.quota.charge(getuid()) {
    let start = linux_thread_time()
    while linux_thread_time() - start < 5_000_000 {}
  }
  let client = try bench.client()
  put(client, request)
  let start = EventLoop.now
  try bench.settle()
  #expect(take(client) == nil)
  while bench.quota.isThrottled(getuid()) { try bench.loop.turn(milliseconds: 10) }
  var answer: String?
  while answer == nil {
    try bench.loop.turn(milliseconds: 10)
    answer = take(client)
  }
  #expect(answer?.hasPrefix("HTTP/1.1 200 ") == true)
  #expect(EventLoop.now - start > 100_000_000)
}

@Test func socketMovesWithItsPathAndStaysWhenTheNewOneCannotBeHad() throws {
  let bench = try Bench()
  #expect(throws: VarlinkError.self) {
    try bench.server.listen(at: bench.folder.path("missing/metrics"))
  }
  _ = try bench.client()
  let old = SocketAddress(path: bench.path)
  try bench.server.listen(at: bench.folder.path("next"))
  #expect(access(bench.path, F_OK) != 0)
  #expect(throws: SystemFailure.self) { try old.connect(milliseconds: 100) }
  _ = try SocketAddress(path: bench.folder.path("next")).connect(milliseconds: 60_000)
  try bench.server.listen(at: nil)
  #expect(access(bench.folder.path("next"), F_OK) != 0)
}

@Test func socketOfTheManagerIsServedBesideTheOneOfTheSettings() throws {
  let (bench, other) = (try Bench(), try TemporaryFolder())
  let address = SocketAddress(path: other.path("passed"))
  let made = try Listener(
    at: address, mode: 0o600, group: nil, loop: EventLoop(), take: { _ in true },
    refuse: { _ in })
  let passed = FileDescriptor(adopting: dup(made.socket.raw))
  try bench.server.listen(on: passed)
  let client = try address.connect(milliseconds: 60_000)
  put(client, request)
  try bench.settle()
  #expect(take(client)?.hasPrefix("HTTP/1.1 200 ") == true)
}
