// What a server does with what comes over the wire, rule by rule.
import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import Varlink

private let echo = #"{"method":"org.example.bench.Echo","parameters":{"text":"a"}}"#
private let echoed: JSON = ["parameters": ["text": "a"]]

private func error(_ name: String, _ parameters: JSON = [:]) -> JSON {
  ["error": .string(name), "parameters": parameters]
}

@Test(arguments: [
  "", "x", "[]", "1", "null", "\"a\"", "{", echo + "x", "{}", #"{"method":1}"#, #"{"method":null}"#,
  #"{"parameters":{}}"#, #"{"method":"a.b.C","parameters":[]}"#,
  #"{"method":"a.b.C","parameters":1}"#,
  #"{"method":"a.b.C","unknown":1}"#, #"{"method":"a.b.C","oneway":1}"#,
  #"{"method":"a.b.C","more":"true"}"#,
  #"{"method":"a.b.C","upgrade":null}"#, #"{"method":"a.b.C","more":true,"oneway":true}"#,
  #"{"method":"a.b.C","more":true,"upgrade":true}"#,
  #"{"method":"a.b.C","oneway":true,"upgrade":true}"#,
  #"{"method":"a.b.C","method":"a.b.C"}"#, #"{"method":"a.b.C","parameters":{"x":1,"x":2}}"#,
])
func aMalformedMessageClosesTheConnectionWithoutAnAnswer(text: String) throws {
  let bench = try Bench()
  let client = try bench.client()
  // What came before is answered, what comes behind is not.
  try client.socket.put("\(echo)\0\(text)\0\(echo)\0")
  try bench.settle()
  let taken = try client.take()
  #expect(taken.isClosed)
  #expect(taken.replies == [echoed])
  #expect(bench.notices.count == 1)
  guard case .closedConnection(let peer, let cause)? = bench.notices.first else {
    Issue.record("\(bench.notices)")
    return
  }
  #expect(peer.process == getpid() && !cause.isEmpty)
  #expect(bench.server.places.isEmpty)
}

@Test func aMessageThatIsNotUTF8ClosesTheConnection() throws {
  let bench = try Bench()
  let client = try bench.client()
  try client.socket.put(Array(#"{"method":""#.utf8) + [0xff] + Array("\"}\0".utf8))
  try bench.settle()
  #expect(try client.take().isClosed)
}

@Test(arguments: [
  #" { "method" : "org.example.bench.Echo" , "parameters" : { "text" : "a" } } "#,
  "\n" + echo + "\r\n", #"{"parameters":{"text":"a"},"method":"org.example.bench.Echo"}"#,
  #"{"method":"org.example.bench.Echo","parameters":{"text":"a"},"com.example.trace":[1]}"#,
  #"{"method":"org.example.bench.Echo","parameters":{"text":"a","place":null,"list":[]},"more":false,"oneway":false,"upgrade":false}"#,
  #"{"method":"org.example.bench.Echo","parameters":{"text":"a"},"more":true}"#,
  #"{"method":"org.example.bench\u002eEcho","parameters":{"text":"\u0061"}}"#,
])
func whatIsAllowedIsTaken(text: String) throws {
  let taken = try Bench().exchange(text)
  #expect(taken.replies == [echoed])
  #expect(!taken.isClosed)
}

@Test(arguments: ["", #","parameters":null"#, #","parameters":{}"#])
func absentNullAndEmptyParametersAreTheSame(parameters: String) throws {
  let taken = try Bench().exchange("{\"method\":\"org.varlink.service.GetInfo\"\(parameters)}")
  #expect(
    taken.replies == [
      [
        "parameters": [
          "vendor": "Example", "product": "Bench", "version": "1", "url": "https://example.org",
          "interfaces": .array(["org.varlink.service", "org.example.bench"]),
        ]
      ]
    ])
}

@Test func interfacesDescribeThemselves() throws {
  for (name, text) in [
    ("org.example.bench", Bench.description), (ServiceInterface.name, ServiceInterface.text),
  ] {
    let taken = try Bench().exchange(
      #"{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"\#(name)"}}"#
    )
    #expect(taken.replies == [["parameters": ["description": .string(text)]]])
  }
}

@Test(arguments: [
  (
    #"{"method":"org.example.none.Echo"}"#,
    error("org.varlink.service.InterfaceNotFound", ["interface": "org.example.none"])
  ),
  (#"{"method":"Echo"}"#, error("org.varlink.service.MethodNotFound", ["method": "Echo"])),
  (#"{"method":""}"#, error("org.varlink.service.MethodNotFound", ["method": ""])),
  (#"{"method":"."}"#, error("org.varlink.service.InterfaceNotFound", ["interface": ""])),
  (
    #"{"method":"org.example.bench.None"}"#,
    error("org.varlink.service.MethodNotFound", ["method": "org.example.bench.None"])
  ),
  (
    #"{"method":"org.example.bench.Place"}"#,
    error("org.varlink.service.MethodNotFound", ["method": "org.example.bench.Place"])
  ),
  (
    #"{"method":"org.example.bench.Forgotten"}"#,
    error("org.varlink.service.MethodNotImplemented", ["method": "org.example.bench.Forgotten"])
  ),
  (
    #"{"method":"org.example.bench.Echo","parameters":{}}"#,
    error("org.varlink.service.InvalidParameter", ["parameter": "text"])
  ),
  (
    #"{"method":"org.example.bench.Echo"}"#,
    error("org.varlink.service.InvalidParameter", ["parameter": "text"])
  ),
  (
    #"{"method":"org.example.bench.Echo","parameters":{"text":1}}"#,
    error("org.varlink.service.InvalidParameter", ["parameter": "text"])
  ),
  (
    #"{"method":"org.example.bench.Echo","parameters":{"text":"a","what":1}}"#,
    error("org.varlink.service.InvalidParameter", ["parameter": "what"])
  ),
  (
    #"{"method":"org.example.bench.Echo","parameters":{"text":"a","place":{"x":1,"y":"2"}}}"#,
    error("org.varlink.service.InvalidParameter", ["parameter": "place.y"])
  ),
  (
    #"{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"a.b"}}"#,
    error("org.varlink.service.InterfaceNotFound", ["interface": "a.b"])
  ),
  (#"{"method":"org.example.bench.Watch"}"#, error("org.varlink.service.ExpectedMore")),
  (
    #"{"method":"org.example.bench.Echo","parameters":{"text":"a"},"upgrade":true}"#,
    error("org.varlink.service.MethodNotImplemented", ["method": "org.example.bench.Echo"])
  ),
  (
    #"{"method":"org.example.bench.Refuse","parameters":{"why":"so"}}"#,
    error("org.example.bench.Refused", ["why": "so"])
  ),
  (
    #"{"method":"org.example.bench.Refuse","parameters":{"why":"so"},"more":true}"#,
    error("org.example.bench.Refused", ["why": "so"])
  ),
])
func aCallThatCannotBeAnsweredGetsItsErrorAndTheConnectionStays(call: String, reply: JSON) throws {
  let bench = try Bench()
  let taken = try bench.exchange(call, echo)
  #expect(taken.replies == [reply, echoed])
  #expect(!taken.isClosed)
  #expect(bench.faults.isEmpty)
}

@Test(arguments: [
  #"{"method":"org.example.none.X","oneway":true}"#,
  #"{"method":"org.example.bench.Echo","oneway":true}"#,
  #"{"method":"org.example.bench.Refuse","parameters":{"why":"x"},"oneway":true}"#,
  #"{"method":"org.example.bench.Echo","parameters":{"text":"once"},"oneway":true}"#,
  #"{"method":"org.example.bench.Watch","oneway":true}"#,
  #"{"method":"org.varlink.service.GetInfo","oneway":true}"#,
  #"{"method":"org.example.bench.Later","oneway":true}"#,
  #"{"method":"org.example.bench.Unanswered","oneway":true}"#,
])
func onewayIsNeverAnsweredNotEvenWithAnError(call: String) throws {
  let bench = try Bench()
  let taken = try bench.exchange(call, echo)
  #expect(taken.replies == [echoed])
  for late in bench.waiting { late.reply(["text": "late"]) }
  try bench.settle()
  #expect(bench.notices.isEmpty)
  #expect(bench.echoed == (call.contains("once") ? ["once", "a"] : ["a"]))
}

@Test func onewayBeforeTheEndIsStillRun() throws {
  let bench = try Bench()
  try bench.client().socket.put(
    #"{"method":"org.example.bench.Echo","parameters":{"text":"last"},"oneway":true}"# + "\0")
  // The client is gone already.
  try bench.settleUntilLeft()
  #expect(bench.echoed == ["last"])
  #expect(bench.server.places.isEmpty && bench.notices.isEmpty)
}

@Test func moreContinuesUntilTheLastReply() throws {
  let call = #"{"method":"org.example.bench.Count","parameters":{"to":3},"more":true}"#
  let taken = try Bench().exchange(call, echo)
  #expect(
    taken.replies == [
      ["parameters": ["number": 1], "continues": true],
      ["parameters": ["number": 2], "continues": true], ["parameters": ["number": 3]], echoed,
    ])
}

@Test func withoutMoreThereIsOneReplyAndItDoesNotContinue() throws {
  let taken = try Bench().exchange(#"{"method":"org.example.bench.Count","parameters":{"to":3}}"#)
  #expect(taken.replies == [["parameters": ["number": 3]]])
  // A handler that does not look sends nothing more than that.
  let bench = try Bench()
  let client = try bench.client()
  try client.socket.put(#"{"method":"org.example.bench.Later"}"# + "\0")
  try bench.settle()
  let call = try #require(bench.waiting.first)
  #expect(call.send(["text": "a"]) == .ended)
  call.reply(["text": "b"])
  call.reply(["text": "c"])
  call.fail(.permissionDenied)
  #expect(try client.take().replies == [["parameters": ["text": "b"]]])
}

@Test func pipelinedCallsAreAnsweredInOrderHoweverLong() throws {
  let bench = try Bench()
  let client = try bench.client()
  for _ in 0..<2 { try client.socket.put(#"{"method":"org.example.bench.Later"}"# + "\0") }
  for number in 0..<100 {
    try client.socket.put(
      #"{"method":"org.example.bench.Echo","parameters":{"text":"\#(number)"}}"# + "\0")
  }
  try bench.settle()
  // One at a time: the second waits for the first.
  #expect(bench.waiting.count == 1 && bench.echoed.isEmpty)
  #expect(try client.take().replies.isEmpty)
  bench.waiting[0].reply(["text": "first"])
  try bench.settle()
  #expect(bench.waiting.count == 2)
  bench.waiting[1].fail(.permissionDenied)
  try bench.settle()
  let replies = try client.take().replies
  #expect(replies.count == 102)
  #expect(replies[0] == ["parameters": ["text": "first"]])
  #expect(replies[1] == error("org.varlink.service.PermissionDenied"))
  #expect(
    replies[2...].map(\.description) == (0..<100).map { #"{"parameters":{"text":"\#($0)"}}"# })
}

private func echo(_ text: String) -> String {
  #"{"method":"org.example.bench.Echo","parameters":{"text":"\#(text)"}}"# + "\0"
}

private func texts(_ replies: [JSON]) -> [String?] {
  replies.map { $0.object?["parameters"]?.object?["text"]?.string }
}

@Test func theAnswersBeforeAMessageThatClosesTheConnectionAreSent() throws {
  let bench = try Bench()
  let client = try bench.client()
  try client.socket.put(echo("a") + echo("b") + "x\0" + echo("c"))
  try bench.settle()
  let taken = try client.take()
  #expect(texts(taken.replies) == ["a", "b"] && taken.isClosed)
  #expect(bench.echoed == ["a", "b"])
}

@Test func callsBehindOneThatIsAnsweredLaterWaitAlthoughTheyAreTaken() throws {
  let bench = try Bench()
  let client = try bench.client()
  let later = #"{"method":"org.example.bench.Later"}"# + "\0"
  try client.socket.put(echo("a") + later + echo("b") + later + echo("c"))
  try bench.settle()
  #expect(texts(try client.take().replies) == ["a"])
  bench.waiting[0].reply(["text": "first"])
  try bench.settle()
  #expect(texts(try client.take().replies) == ["first", "b"])
  bench.waiting[1].reply(["text": "second"])
  try bench.settle()
  #expect(texts(try client.take().replies) == ["second", "c"])
}

@Test func aTurnAnswersSoManyCallsOfAClientAndThenOthersHaveTheirs() throws {
  let bench = try Bench(limits: ServerLimits(callsPerTurn: 3))
  let (busy, other) = (try bench.client(), try bench.client())
  try busy.socket.put((0..<7).map { echo("\($0)") }.joined())
  try other.socket.put(echo("other"))
  _ = try bench.loop.turn(milliseconds: 0)
  #expect(Set(bench.echoed) == ["0", "1", "2", "other"] && bench.echoed.count == 4)
  try bench.settle()
  #expect(texts(try busy.take().replies) == (0..<7).map { "\($0)" })
  #expect(texts(try other.take().replies) == ["other"])
}

@Test func aStreamHoldsUpLaterCallsOfItsConnectionAndNoOther() throws {
  let bench = try Bench()
  let client = try bench.client()
  try client.socket.put(#"{"method":"org.example.bench.Watch","more":true}"# + "\0" + echo + "\0")
  try bench.settle()
  let call = try #require(bench.waiting.first)
  #expect(call.send(["number": 1]) == .queued)
  #expect(try bench.exchange(echo).replies == [echoed])
  #expect(try client.take().replies == [["parameters": ["number": 1], "continues": true]])
  call.fail(ErrorReply("org.example.bench.Refused", ["why": "end"]))
  try bench.settle()
  #expect(
    try client.take().replies == [error("org.example.bench.Refused", ["why": "end"]), echoed])
  #expect(call.send(["number": 2]) == .ended)
  #expect(bench.faults.isEmpty)
}

@Test func closingCancelsTheOpenCall() throws {
  for method in ["Later", "Watch"] {
    let bench = try Bench()
    var client: BenchClient? = try bench.client()
    try client?.socket.put("{\"method\":\"org.example.bench.\(method)\",\"more\":true}\0\(echo)\0")
    try bench.settle()
    let call = try #require(bench.waiting.first)
    var order: [String] = []
    call.onCancel = { order.append("call") }
    call.connection.whenClosed { order.append("connection") }
    client = nil
    try bench.settleUntilLeft()
    #expect(order == ["call", "connection"])
    #expect(!call.isOpen && call.connection.isClosed)
    #expect(call.send(["number": 1]) == .ended)
    call.reply(["text": "nobody"])
    #expect(bench.echoed.isEmpty, "a call behind the cancelled one was run")
    #expect(bench.server.places.isEmpty && bench.notices.isEmpty)
    call.connection.whenClosed { order.append("late") }
    #expect(order.last == "late")
  }
}

@Test func halfAConnectionClosedStillGetsItsAnswers() throws {
  let bench = try Bench()
  let client = try bench.client()
  try client.socket.put(#"{"method":"org.example.bench.Later"}"# + "\0" + echo + "\0")
  shutdown(client.socket.raw, Int32(SHUT_WR))
  try bench.settle()
  #expect(try client.take().isClosed == false)
  try #require(bench.waiting.first).reply(["text": "late"])
  try bench.settle()
  let taken = try client.take()
  #expect(taken.replies == [["parameters": ["text": "late"]], echoed])
  #expect(taken.isClosed)
}

@Test func aCallLetGoWithoutAnAnswerClosesItsConnection() throws {
  let bench = try Bench()
  let taken = try bench.exchange(#"{"method":"org.example.bench.Unanswered"}"#, echo)
  #expect(taken.isClosed && taken.replies.isEmpty)
  #expect(bench.notices.map(\.description).first?.contains("without an answer") == true)
}

@Test func whoMayNotCallIsToldSoBeforeParametersAreLookedAt() throws {
  let bench = try Bench()
  var asked: [String] = []
  bench.server.authorize = { peer, method in
    asked.append(method)
    return peer.user != getuid()
  }
  let taken = try bench.exchange(
    #"{"method":"org.example.bench.Echo","parameters":{"bad":1}}"#,
    #"{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"org.example.bench"}}"#
  )
  #expect(taken.replies.first == error("org.varlink.service.PermissionDenied"))
  #expect(taken.replies.count == 2 && taken.replies[1].object?["error"] == nil)
  #expect(asked == ["org.example.bench.Echo"])
  guard case .deniedCall(_, "org.example.bench.Echo")? = bench.notices.first else {
    Issue.record("\(bench.notices)")
    return
  }
}

@Test func repliesThatAreNotAsDeclaredAreReported() throws {
  let bench = try Bench()
  let client = try bench.client()
  let later = #"{"method":"org.example.bench.Later","more":true}"# + "\0"
  try client.socket.put(later + later + later + later)
  try bench.settle()
  _ = bench.waiting[0].send(["text": 1])
  bench.waiting[0].reply([:])
  try bench.settle()
  bench.waiting[1].fail(ErrorReply("org.example.bench.Unknown"))
  try bench.settle()
  bench.waiting[2].fail(ErrorReply("org.example.bench.Refused", ["why": 1]))
  try bench.settle()
  bench.waiting[3].fail(.invalidParameter("text"))
  try bench.settle()
  #expect(bench.faults.count == 4)
  #expect(try client.take().replies.count == 5)
}

@Test func noMessageCrashesTheServer() throws {
  var random = SeededGenerator(for: #function)
  let bench = try Bench()
  let seeds = [
    echo, #"{"method":"org.example.bench.Count","parameters":{"to":3},"more":true}"#,
    #"{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"org.example.bench"}}"#,
    #"{"method":"org.example.bench.Swap","parameters":{"first":0,"second":null}}"#,
  ].map { Array($0.utf8) + [0] }
  var answers = 0
  for _ in 0..<repetitions(3000) {
    let client = try bench.client()
    for _ in 0..<Int.random(in: 1..<4, using: &random) {
      let bytes = random.mutate(seeds.randomElement(using: &random)!)
      if Int.random(in: 0..<8, using: &random) == 0 {
        _ = try? Canary.send(with: bytes.isEmpty ? [0] : bytes, over: client.socket)
      } else if send(client.socket.raw, bytes, bytes.count, Int32(MSG_NOSIGNAL)) < 0 {
        break
      }
      if Bool.random(using: &random) { try bench.settle() }
    }
    try bench.settle()
    answers += try client.take().replies.count
  }
  try bench.settle()
  #expect(answers > repetitions(100))
  #expect(bench.server.places.isEmpty)
  #expect(bench.faults.isEmpty)
  // It still serves.
  #expect(try bench.exchange(echo).replies == [echoed])
}
