// Calls that change what the daemon does, and the daemon's errors as the client reports them, against a
// fake daemon.
import Glibc
import LinuxSystem
import Testing

@testable import InterruptSyncClient
@testable import Varlink

/// A daemon that accepts every method that changes something, and records the calls.
private func obedient(_ seen: Seen<String>) throws -> FakeDaemon {
  func method(_ name: String) -> FakeDaemon.Method {
    .init(name: name) { call in
      seen.add("\(name) \(call.parameters)")
      call.reply()
    }
  }
  return try FakeDaemon(
    method("Connect"), method("Disconnect"), method("Trigger"), method("SetMode"),
    method("SetPolicy"), method("Reload"))
}

@Test func changesAreAskedForAsDeclared() throws {
  let seen = Seen<String>()
  let daemon = try obedient(seen)
  let client = try daemon.client()
  try client.connect("a")
  try client.connect("a", persistent: true)
  try client.disconnect("a")
  try client.trigger("a")
  try client.trigger("a", count: 5)
  try client.setMode("a", .repeat)
  try client.setPolicy("a", .fifo(40))
  try client.setPolicy("a", .other)
  try client.reload()
  #expect(
    seen.all == [
      #"Connect {"device":"a","persistent":false}"#, #"Connect {"device":"a","persistent":true}"#,
      #"Disconnect {"device":"a"}"#, #"Trigger {"device":"a","count":1}"#,
      #"Trigger {"device":"a","count":5}"#, #"SetMode {"device":"a","mode":"repeat"}"#,
      #"SetPolicy {"device":"a","policy":"fifo","priority":40}"#,
      #"SetPolicy {"device":"a","policy":"other"}"#, "Reload {}",
    ])
}

@Test(
  arguments: [
    ("NoSuchDevice", ["device": "a", "message": "said so"], .noSuchDevice),
    ("WrongState", ["device": "a", "state": "gone", "message": "said so"], .wrongState),
    ("Busy", ["device": "a", "message": "said so"], .busy),
    ("NotAllowed", ["device": "a", "message": "said so"], .notAllowed),
    ("NotAttached", ["device": "a", "message": "said so"], .notAttached),
    ("SystemFailure", ["message": "said so", "errno": 13], .systemFailure),
    ("BadRegister", ["operation": 0, "message": "said so"], .badRegister),
    ("TooLarge", ["limit": 64, "message": "said so"], .tooLarge),
    (
      "BadDescriptor", ["device": "a", "parameter": "node", "message": "said so"], .invalidArgument
    ),
  ] as [(String, JSONObject, InterruptSyncClientError.Code)])
func errorsOfTheInterfaceKeepTheirWords(
  name: String, parameters: JSONObject, code: InterruptSyncClientError.Code
) throws {
  let daemon = try FakeDaemon("Connect", refusing: refusal(name, parameters))
  let error = try #require(failure { try daemon.client().connect("a") })
  #expect(error.code == code)
  #expect(error.object == "a")
  #expect(error.operation == "connect")
  #expect(error.cause.contains("said so"))
  #expect((error.errno?.rawValue ?? 0) == Int32(parameters["errno"]?.int64 ?? 0))
  #expect(error.errno.map { "\($0)" } == (parameters["errno"] == nil ? nil : "EACCES"))
}

@Test func hintOfTheDaemonIsTheHint() throws {
  let daemon = try FakeDaemon(
    "Connect",
    refusing: refusal("SystemFailure", ["message": "no way", "hint": "go around", "errno": 0]))
  let error = failure { try daemon.client().connect("a") }
  #expect(error?.cause == "no way")
  #expect(error?.hint == "go around")
  #expect(error?.description == "a: connect: no way\n  hint: go around")
}

@Test(
  arguments: [
    (ErrorReply.permissionDenied, .permissionDenied, "ControlGroup="),
    (ErrorReply.invalidParameter("priority"), .invalidArgument, "priority"),
    (ErrorReply.methodNotFound("io.interruptsync.Connect"), .unsupported, "restart"),
    (ErrorReply("io.interruptsync.Unheard"), .unexpected, "Unheard"),
    (refusal("TooManyRegistrations", ["limit": 7]), .tooManyRegistrations, "7"),
  ] as [(ErrorReply, InterruptSyncClientError.Code, String)])
func errorsOfEveryServiceSayWhatToDo(
  reply: ErrorReply, code: InterruptSyncClientError.Code, words: String
) {
  let error = InterruptSyncClientError(
    VarlinkError(.remote, object: "s", operation: "m", cause: "c", reply: reply), object: "a",
    operation: "connect")
  #expect(error.code == code)
  #expect(!error.cause.isEmpty)
  #expect(error.description.contains(words))
}

@Test func rejectedConfigurationHasItsDiagnostics() throws {
  let daemon = try FakeDaemon(
    "Reload",
    refusing: refusal(
      "ConfigurationRejected",
      [
        "diagnostics": [
          [
            "file": "/etc/x", "line": 3, "column": 9, "message": "no such key",
            "hint": "write Mode=",
          ],
          ["file": "/etc/y", "line": 1, "column": 1, "message": "empty"],
        ]
      ]))
  let error = try #require(failure { try daemon.client().reload() })
  #expect(error.code == .configurationRejected)
  #expect(error.diagnostics.map(\.line) == [3, 1])
  #expect(error.diagnostics.map(\.column) == [9, 1])
  #expect(error.description.contains("/etc/x:3:9: no such key\n  hint: write Mode="))
  #expect(error.description.contains("/etc/y:1:1: empty"))
}

@Test func daemonThatIsNotThereIsNotRunning() {
  let error = failure { _ = try InterruptSyncClient(address: "/nonexistent/socket") }
  #expect(error?.code == .notRunning)
  #expect(error?.object == "/nonexistent/socket")
  #expect(error?.hint.contains("systemctl start interruptsyncd") == true)
  #expect(failure { _ = try InterruptSyncClient(address: "nowhere") }?.code == .invalidArgument)
}

@Test func daemonThatEndsIsDisconnected() throws {
  let daemon = try obedient(Seen())
  let client = try daemon.client()
  try client.reload()
  daemon.stop()
  #expect(failure { try client.reload() }?.code == .disconnected)
}

@Test func socketOfAnotherGroupNamesIt() throws {
  let daemon = try obedient(Seen())
  let group = try #require(getgrgid(getegid())?.pointee.gr_name.map { String(cString: $0) })
  let error = InterruptSyncClientError(
    VarlinkError(SystemError(EACCES), object: daemon.address, operation: "connect"),
    object: daemon.address, operation: "connect to the daemon")
  #expect(error.code == .permissionDenied)
  #expect(error.hint.contains("usermod -aG \(group) USER"))
}

@Test(arguments: ["connected", "storming", "attached"])
func deviceInUseIsNotOpenedToBeHandedOver(state: String) throws {
  let daemon = try FakeDaemon(
    .init(name: "DescribeDevice") { call in
      call.reply([
        "device": [
          "id": "pci-0000:00:03.0", "number": 0, "name": "edu", "state": .string(state),
          "routines": [], "regions": [],
        ]
      ])
    })
  let error = failure { try daemon.client().adoptDevice("edu") }
  #expect(error?.code == .wrongState)
  #expect(error?.cause.contains(state) == true)
}

@Test func adoptedDeviceNeedsANode() throws {
  let daemon = try FakeDaemon(
    .init(name: "DescribeDevice") { call in
      call.reply([
        "device": [
          "id": "beat", "name": "software", "state": "listed", "routines": [], "regions": [],
        ]
      ])
    })
  #expect(failure { try daemon.client().adoptDevice("beat") }?.code == .wrongState)
}
