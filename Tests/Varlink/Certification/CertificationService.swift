import LinuxSystem
import Varlink

/// Checks that clients call what they were told, one method after the other.
final class CertificationService {
  private let interface: InterfaceDescription
  /// What each client is to call next.
  private var expected: [String: String] = [:]
  private var clients = 0

  init(_ interface: InterfaceDescription) { self.interface = interface }

  private static let order =
    ["Start"] + (1...11).map { $0 < 10 ? "Test0\($0)" : "Test\($0)" }
    + ["End"]
  private static let values: JSONObject = [
    "bool": false, "int": 2, "float": .double(.pi), "string": "a lot of string",
  ]
  private static let map: JSON = ["foo": "Foo", "bar": "Bar"]
  private static let set: JSON = ["one": [:], "two": [:], "three": [:]]
  private static let mytype: JSONObject = [
    "object": ["method": "org.varlink.certification.Test09", "parameters": ["map": map]],
    "enum": "two", "struct": ["first": 1, "second": "2"], "array": .array(["one", "two", "three"]),
    "dictionary": map, "stringset": set, "nullable": .null, "nullable_array_struct": .null,
    "interface": [
      "foo": .array([
        .null, ["foo": "foo", "bar": "bar"], .null, ["one": "foo", "two": "bar"],
      ]),
      "anon": ["foo": true, "bar": false],
    ],
  ]
  private static let texts = (1...10).map { JSON.string("Reply number \($0)") }

  /// What each method is to be called with, and what it answers. All but Start get the client's id.
  private static let tests: [String: (takes: JSONObject, gives: JSONObject)] = [
    "Test01": ([:], ["bool": true]), "Test02": (["bool": true], ["int": 1]),
    "Test03": (["int": 1], ["float": 1.0]), "Test04": (["float": 1.0], ["string": "ping"]),
    "Test05": (["string": "ping"], values), "Test06": (values, ["struct": .object(values)]),
    "Test07": (["struct": .object(values)], ["map": map]), "Test08": (["map": map], ["set": set]),
    "Test09": (["set": set], ["mytype": .object(mytype)]),
    "Test10": (["mytype": .object(mytype)], [:]),
    "Test11": (["last_more_replies": .array(texts)], [:]), "End": ([:], ["all_ok": true]),
  ]

  func run(at address: SocketAddress) throws {
    let loop = try EventLoop()
    let server = try VarlinkServer(
      loop: loop,
      identity: ServiceIdentity(
        vendor: "InterruptSync", product: "Varlink certification", version: "1", url: ""))
    server.add(interface)
    server.observe = { print($0) }
    server.replyCheck = { print("fault: \($0)") }
    for method in Self.order {
      server.handle(
        "\(interface.name).\(method)", streaming: method == "Test10" ? .required : .never
      ) { [unowned self] call throws(ErrorReply) in try answer(call, method) }
    }
    try FilePassing.serve(on: server)
    try server.listen(at: address)
    try loop.run()
  }

  private func answer(_ call: VarlinkCall, _ method: String) throws(ErrorReply) {
    if method == "Start" {
      clients += 1
      expected["client-\(clients)"] = "Test01"
      return call.reply(["client_id": .string("client-\(clients)")])
    }
    let id = call.parameters["client_id"]?.string ?? ""
    guard let next = expected[id], let test = Self.tests[method] else {
      throw ErrorReply(interface.name + ".ClientIdError")
    }
    var wants = test.takes
    wants["client_id"] = .string(id)
    guard next == method, Self.same(wants, call.parameters),
      call.isOneway == (method == "Test11")
    else {
      expected[id] = nil
      throw ErrorReply(
        interface.name + ".CertificationError",
        [
          "wants": ["method": .string(next), "parameters": .object(wants)],
          "got": ["method": .string(method), "parameters": .object(call.parameters)],
        ])
    }
    let place = Self.order.firstIndex(of: method).map { $0 + 1 } ?? 0
    expected[id] = place < Self.order.count ? Self.order[place] : nil
    if method == "Test10" {
      for text in Self.texts.dropLast() { _ = call.send(["string": text]) }
      return call.reply(["string": Self.texts[9]])
    }
    call.reply(test.gives)
  }

  /// Absent is null, and an integer is a number like any other.
  private static func same(_ wants: JSONObject, _ got: JSONObject) -> Bool {
    let keys = Set(wants.members.map(\.key) + got.members.map(\.key))
    return keys.allSatisfy { same(wants[$0] ?? .null, got[$0] ?? .null) }
  }

  private static func same(_ wants: JSON, _ got: JSON) -> Bool {
    switch (wants, got) {
    case (.object(let wants), .object(let got)): same(wants, got)
    case (.array(let wants), .array(let got)):
      wants.count == got.count && zip(wants, got).allSatisfy { same($0, $1) }
    case (.double(let wants), _): wants == got.number
    default: wants == got
    }
  }
}
