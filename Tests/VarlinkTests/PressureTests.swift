// Clients that are slow, many, or gone.
import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import Varlink

private let echo = #"{"method":"org.example.bench.Echo","parameters":{"text":"a"}}"# + "\0"

@Test func aStreamToASlowReaderIsBoundedAndGoesOnWhenThereIsRoom() throws {
  let bench = try Bench(limits: ServerLimits(waitingBytes: 10_000))
  let client = try bench.client()
  try client.socket.put(#"{"method":"org.example.bench.Watch","more":true}"# + "\0")
  try bench.settle()
  let call = try #require(bench.waiting.first)
  var room = 0
  call.onRoom = { room += 1 }
  var sent: [Int64] = []
  var dropped = 0
  for number in 0..<100_000 {
    switch call.send(["number": .integer(Int64(number))]) {
    case .queued: sent.append(Int64(number))
    case .full: dropped += 1
    case .ended: Issue.record("the stream ended")
    }
  }
  #expect(dropped > 0 && room == 0)
  // Another client does not notice.
  let other = try bench.exchange(String(echo.dropLast()))
  #expect(other.replies.count == 1)
  // Whatever was queued arrives, in order, and then there is room once.
  var replies = try client.take().replies
  while replies.count < sent.count {
    try bench.settle()
    replies += try client.take().replies
  }
  #expect(replies.compactMap { $0.object?["parameters"]?.object?["number"]?.int64 } == sent)
  #expect(room == 1)
  #expect(call.send(["number": 1]) == .queued)
  call.reply(["number": 2])
  try bench.settle()
  #expect(try client.take().replies.count == 2)
}

@Test func aClientThatCallsWithoutReadingIsHeldUpInItsOwnSend() throws {
  let bench = try Bench(limits: ServerLimits(waitingBytes: 10_000))
  let client = try bench.client()
  _ = fcntl(client.socket.raw, F_SETFL, O_NONBLOCK)
  let call = Array((#"{"method":"org.example.bench.Big","parameters":{"bytes":5000}}"# + "\0").utf8)
  var calls = 0
  for _ in 0..<1_000_000 {
    let count = send(client.socket.raw, call, call.count, Int32(MSG_NOSIGNAL))
    if count == call.count {
      calls += 1
      try bench.settle()
    } else {
      try #require(count < 0 && errno == EAGAIN)
      break
    }
  }
  #expect(calls > 100 && calls < 1_000_000)
  var replies = 0
  while replies < calls {
    let taken = try client.take()
    replies += taken.replies.count
    try #require(!taken.isClosed)
    try bench.settle()
  }
  #expect(replies == calls)
}

@Test func anAnswerThatIsNeverReadClosesTheConnection() throws {
  let bench = try Bench(limits: ServerLimits(patience: .milliseconds(50)))
  let client = try bench.client()
  try client.socket.put(
    #"{"method":"org.example.bench.Big","parameters":{"bytes":4000000}}"# + "\0")
  while bench.notices.isEmpty { try bench.loop.turn() }
  #expect(bench.notices.first?.description.contains("did not read its answers") == true)
  #expect(bench.server.places.isEmpty)
}

@Test func aMessageThatNeverEndsClosesTheConnectionAndAnIdleClientStays() throws {
  let bench = try Bench(limits: ServerLimits(patience: .milliseconds(50)))
  let idle = try bench.client()
  let client = try bench.client()
  try client.socket.put("{")
  while bench.notices.isEmpty { try bench.loop.turn() }
  #expect(bench.notices.first?.description.contains("did not finish a message") == true)
  #expect(try client.take().isClosed)
  try idle.socket.put(echo)
  try bench.settle()
  #expect(try idle.take().replies.count == 1)
  #expect(bench.notices.count == 1)
}

@Test func aStreamMayWaitForItsReaderLongerThanAnAnswer() throws {
  let bench = try Bench(limits: ServerLimits(waitingBytes: 10_000, patience: .milliseconds(40)))
  let client = try bench.client()
  try client.socket.put(#"{"method":"org.example.bench.Watch","more":true}"# + "\0")
  try bench.settle()
  let call = try #require(bench.waiting.first)
  while call.send(["number": 1]) == .queued {}
  var isOver = false
  bench.loop.after(.milliseconds(200)) { isOver = true }
  while !isOver { try bench.loop.turn() }
  #expect(bench.notices.isEmpty && call.isOpen)
}

@Test func connectionsAreLimitedByUserAndInAll() throws {
  for (limits, cause) in [
    (ServerLimits(connections: 100, connectionsPerUser: 3), "the user already has 3"),
    (ServerLimits(connections: 3, connectionsPerUser: 100), "there are already 3"),
  ] {
    let bench = try Bench(limits: limits)
    var clients = try (0..<4).map { _ in try bench.client() }
    for client in clients {
      _ = send(client.socket.raw, echo, echo.utf8.count, Int32(MSG_NOSIGNAL))
    }
    try bench.settle()
    #expect(try clients.map { try $0.take().replies.count } == [1, 1, 1, 0])
    #expect(try clients[3].take().isClosed)
    #expect(bench.notices.count == 1)
    #expect(bench.notices.first?.description.contains(cause) == true)
    // One goes and another may come.
    clients.removeFirst()
    try bench.settle()
    #expect(try bench.exchange(String(echo.dropLast())).replies.count == 1)
  }
}

@Test func aThousandIdleConnectionsCostNobodyAnything() throws {
  let before = openFiles()
  do {
    let bench = try Bench(limits: ServerLimits(connections: 1000, connectionsPerUser: 1000))
    try allowFiles(before + 3000)
    let idle = try (0..<999).map { _ in try bench.client() }
    #expect(bench.server.places.count == 999)
    let start = EventLoop.now
    let busy = try bench.client()
    for _ in 0..<1000 {
      try busy.socket.put(echo)
      try bench.settle()
      #expect(try busy.take().replies.count == 1)
    }
    print("1000 calls beside 999 idle connections: \((EventLoop.now - start) / 1_000_000) ms")
    for client in idle {
      try client.socket.put(echo)
    }
    try bench.settle()
    #expect(try idle.allSatisfy { try $0.take().replies.count == 1 })
  }
}

private func openFiles() -> Int { (try? FileDescriptor.list("/proc/self/fd").count) ?? 0 }

private func allowFiles(_ count: Int) throws {
  var limit = rlimit()
  try #require(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
  guard limit.rlim_cur < rlim_t(count) else { return }
  limit.rlim_cur = rlim_t(count)
  try #require(
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0,
    "the limit of open files is below \(count)")
}

@Test func aServerThatEndsClosesItsConnectionsAndTellsItsCalls() throws {
  var bench: Bench? = try Bench()
  let loop = try #require(bench?.loop)
  let client = try #require(bench).client()
  try client.socket.put(#"{"method":"org.example.bench.Later"}"# + "\0")
  try bench?.settle()
  let call = try #require(bench?.waiting.first)
  var isCancelled = false
  call.onCancel = { isCancelled = true }
  bench = nil
  #expect(isCancelled)
  #expect(try client.take().isClosed)
  call.reply(["text": "late"])
  #expect(try loop.turn(milliseconds: 0) == 0)
}
