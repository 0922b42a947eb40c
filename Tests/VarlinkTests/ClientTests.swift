// The waiting client over real sockets.
import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import Varlink

private let prefix = "org.example.bench."

private func service<R>(
  _ limits: ServerLimits = ServerLimits(), _ body: (ThreadedService) throws -> R
) throws -> R {
  let service = try ThreadedService(limits: limits)
  defer { service.stop() }
  return try body(service)
}

@Test func aCallIsAnswered() throws {
  try service { service in
    for address in [service.path, "unix:" + service.path, "unix:\(service.path);mode=0666"] {
      let client = try VarlinkClient(address, timeout: .seconds(60))
      let reply = try client.call(prefix + "Echo", ["text": "é\0"])
      #expect(reply.parameters == ["text": "é\0"] && !reply.continues && reply.descriptors.isEmpty)
      #expect(try client.interface("org.example.bench").text == Bench.description)
    }
  }
}

@Test func anErrorOfTheServiceIsRemoteAndTheConnectionGoesOn() throws {
  try service { service in
    let client = try VarlinkClient(service.path, timeout: .seconds(60))
    let error = try #require(throws: VarlinkError.self) {
      try client.call(prefix + "Refuse", ["why": "so"])
    }
    #expect(
      error.code == .remote && error.object == service.path && error.operation == prefix + "Refuse")
    #expect(error.reply == ErrorReply(prefix + "Refused", ["why": "so"]))
    #expect(error.description.contains(#"org.example.bench.Refused {"why":"so"}"#))
    #expect(try client.call(prefix + "Echo", ["text": "a"]).parameters["text"] == "a")
  }
}

@Test func aHintTravelsAsAFieldOfItsOwn() throws {
  try service { service in
    let client = try VarlinkClient(service.path, timeout: .seconds(60))
    let error = try #require(throws: VarlinkError.self) {
      try client.call(prefix + "Refuse", ["why": "so", "hint": "hint: go\naround"])
    }
    #expect(error.hint == "hint: go\naround" && error.reply?.hint == error.hint)
    let plain = try #require(throws: VarlinkError.self) {
      try client.call(prefix + "Refuse", ["why": "so"])
    }
    #expect(plain.hint.isEmpty && plain.reply?.hint == nil)
  }
}

@Test func aStreamIsTakenReplyByReply() throws {
  try service { service in
    let client = try VarlinkClient(service.path, timeout: .seconds(60))
    var replies = try client.stream(prefix + "Count", ["to": 3])
    #expect(try replies.next()?.parameters["number"] == 1)
    let error = try #require(throws: VarlinkError.self) {
      try client.call(prefix + "Echo", ["text": "a"])
    }
    #expect(error.code == .busy)
    #expect(try replies.next()?.parameters["number"] == 2)
    #expect(try replies.next()?.parameters["number"] == 3)
    #expect(try replies.next() == nil)
    #expect(try replies.next() == nil)
    #expect(try client.call(prefix + "Echo", ["text": "a"]).parameters["text"] == "a")
    var refused = try client.stream(prefix + "Refuse", ["why": "so"])
    #expect(throws: VarlinkError.self) { try refused.next() }
    #expect(try refused.next() == nil)
    #expect(try client.call(prefix + "Echo", ["text": "a"]).parameters["text"] == "a")
  }
}

@Test func onewayDoesNotWaitAndIsFollowedByOtherCalls() throws {
  try service { service in
    let client = try VarlinkClient(service.path, timeout: .seconds(60))
    try client.oneway(prefix + "Refuse", ["why": "so"])
    try client.oneway(prefix + "Echo", ["text": "a"])
    #expect(try client.call(prefix + "Echo", ["text": "b"]).parameters["text"] == "b")
  }
}

@Test func descriptorsAreSentAndReceived() throws {
  try service { service in
    let client = try VarlinkClient(service.path, timeout: .seconds(60))
    let file = try pipeEnds().0
    for _ in 0..<3 {
      let reply = try client.call(prefix + "Swap", ["first": 0], descriptors: [file])
      #expect(reply.descriptors.map(inode) == [inode(file)])
      #expect(reply.descriptors[0].raw != file.raw)
      #expect(reply.parameters["inodes"] == .array([JSON(inode(file))]))
    }
  }
}

@Test func manyCallsMayBeUnderWayBeforeTheFirstReplyIsRead() throws {
  try service(ServerLimits(waitingBytes: 10_000)) { service in
    let client = try VarlinkClient(service.path, timeout: .seconds(60))
    // Far more than both sockets and the server hold: the client must read while it sends.
    let text = String(repeating: "x", count: 2000)
    for number in 0..<repetitions(2000) {
      try client.send(prefix + "Echo", ["text": .string("\(number) \(text)")])
    }
    for number in 0..<repetitions(2000) {
      let reply = try client.receive(prefix + "Echo")
      #expect(reply.parameters["text"] == .string("\(number) \(text)"))
    }
  }
}

@Test func messagesOfAMegabytePassBothWays() throws {
  try service { service in
    let client = try VarlinkClient(service.path, timeout: .seconds(60))
    let text = JSON.string(String(repeating: "x", count: (1 << 20) - 200))
    #expect(try client.call(prefix + "Echo", ["text": text]).parameters["text"] == text)
    let error = try #require(throws: VarlinkError.self) {
      try client.call(prefix + "Echo", ["text": .string(String(repeating: "x", count: 1 << 20))])
    }
    #expect(error.code == .disconnected)
    #expect(error.hint.contains("log"))
  }
}

@Test func manyClientsAtOnceGetTheirOwnAnswers() throws {
  try service { service in
    let path = service.path
    let workers = try (0..<8).map { thread in
      try WorkerThread(name: "client") {
        do {
          let client = try VarlinkClient(path, timeout: .seconds(60))
          for number in 0..<300 {
            let text = JSON.string("\(thread) \(number)")
            let reply = try client.call(prefix + "Echo", ["text": text])
            if reply.parameters["text"] != text { Issue.record("\(reply.parameters)") }
          }
        } catch {
          Issue.record(error)
        }
      }
    }
    workers.forEach { $0.join() }
  }
}

@Test func noAnswerInTimeIsAnErrorAndEndsTheConnection() throws {
  try service { service in
    let client = try VarlinkClient(service.path)
    let late = try #require(throws: VarlinkError.self) {
      try client.call(prefix + "Later", timeout: .milliseconds(20))
    }
    #expect(late.code == .timedOut && late.operation == prefix + "Later")
    // The late answer must not be taken for another call's.
    let after = try #require(throws: VarlinkError.self) {
      try client.call(prefix + "Echo", ["text": "a"])
    }
    #expect(after.code == .disconnected && after.cause.contains("earlier call"))
    let other = try VarlinkClient(service.path)
    var stream = try other.stream(prefix + "Watch")
    for _ in 0..<2 {
      let none = try #require(throws: VarlinkError.self) {
        try stream.next(timeout: .milliseconds(5))
      }
      #expect(none.code == .timedOut)
    }
  }
}

@Test func anAddressWithoutAServiceSaysWhatToDo() throws {
  func failure(_ address: String) throws -> VarlinkError {
    try #require(throws: VarlinkError.self) { try VarlinkClient(address, timeout: .seconds(1)) }
  }
  let missing = try failure("/nowhere/at/all")
  #expect(missing.code == .notFound && missing.errorNumber == ENOENT)
  #expect(
    missing.description
      == "/nowhere/at/all: connect: there is no such socket (ENOENT)\n  hint: is the service running? systemctl status"
  )
  #expect(try failure("unix:@org.example.nobody").code == .notListening)
  #expect(try failure("/etc/passwd").code == .notListening)
  #expect(try failure("/" + String(repeating: "x", count: 107)).code == .malformedAddress)
  // The longest that fits.
  #expect(try failure("/" + String(repeating: "x", count: 106)).code == .notFound)
}

@Test func aServiceThatGoesAwayIsToldFromOneThatAnswers() throws {
  let (ours, theirs) = try socketPair()
  let client = try VarlinkClient(adopting: ours, timeout: .seconds(60))
  var end: FileDescriptor? = theirs
  try #require(end).put(#"{"parameters":{"a""#)
  end = nil
  withExtendedLifetime(theirs) { _ = shutdown(theirs.raw, Int32(SHUT_RDWR)) }
  let error = try #require(throws: VarlinkError.self) { try client.call("a.b.C") }
  #expect(error.code == .disconnected, "\(error)")
}

@Test(arguments: [
  "x", "[]", #"{"error":1}"#, #"{"parameters":1}"#, #"{"parameters":{},"continues":true}"#, "",
  #"{"parameters":{"a":1,"a":2}}"#,
])
func whatIsNoReplyIsAViolation(text: String) throws {
  let (ours, theirs) = try socketPair()
  let client = try VarlinkClient(adopting: ours, timeout: .seconds(60))
  try theirs.put(text + "\0")
  let error = try #require(throws: VarlinkError.self) { try client.call("a.b.C") }
  #expect(error.code == .protocolViolation && error.operation == "a.b.C", "\(error)")
}

@Test(
  arguments: [
    ("{}", [:]), (#"{"parameters":null}"#, [:]),
    (#"{"parameters":{"a":1},"continues":false,"new":1}"#, ["a": 1]),
  ] as [(String, JSONObject)])
func aClientIsLenientWithRepliesThatItUnderstands(text: String, parameters: JSONObject) throws {
  let (ours, theirs) = try socketPair()
  let client = try VarlinkClient(adopting: ours, timeout: .seconds(60))
  try theirs.put(text + "\0")
  #expect(try client.call("a.b.C").parameters == parameters)
}

@Test func aCallIsWrittenWithNothingButWhatItNeeds() throws {
  let (ours, theirs) = try socketPair()
  let client = try VarlinkClient(adopting: ours)
  try client.send("a.b.C")
  try client.send("a.b.C", ["x": 1])
  try client.oneway("a.b.C")
  _ = try client.stream("a.b.C")
  var reader = MessageReader(limits: WireLimits())
  var texts: [String] = []
  while case .message(let message) = try reader.next(from: theirs) {
    texts.append(String(decoding: message.bytes, as: UTF8.self))
  }
  #expect(
    texts == [
      #"{"method":"a.b.C"}"#, #"{"method":"a.b.C","parameters":{"x":1}}"#,
      #"{"method":"a.b.C","oneway":true}"#, #"{"method":"a.b.C","more":true}"#,
    ])
}
