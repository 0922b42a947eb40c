import Varlink

/// Calls what the certification prescribes: each test with what the one before it answered.
struct CertificationClient {
  static let name = "org.varlink.certification"
  let interface: InterfaceDescription

  init(_ interface: InterfaceDescription) { self.interface = interface }

  /// Ends when the service is content with everything; throws what it is not content with.
  func run(at address: String) throws {
    let client = try VarlinkClient(address, timeout: .seconds(60))
    let described = try client.interface(Self.name)
    guard described.members == interface.members else { throw Mismatch("the description", [:]) }

    var previous = try call(client, "Start", [:])
    guard let id = previous["client_id"] else { throw Mismatch("Start", previous) }
    for number in 1...9 {
      previous["client_id"] = id
      previous = try call(client, number < 10 ? "Test0\(number)" : "Test\(number)", previous)
    }
    guard let mytype = previous["mytype"] else { throw Mismatch("Test09", previous) }
    var texts: [JSON] = []
    var replies = try client.stream(Self.name + ".Test10", ["client_id": id, "mytype": mytype])
    while let reply = try replies.next() {
      guard let text = reply.parameters["string"] else {
        throw Mismatch("Test10", reply.parameters)
      }
      texts.append(text)
    }
    try client.oneway(
      Self.name + ".Test11", ["client_id": id, "last_more_replies": .array(texts)])
    guard try call(client, "End", ["client_id": id])["all_ok"] == true else {
      throw Mismatch("End", [:])
    }
    print("Certification passed")
  }

  /// One call, whose reply is held against the interface.
  private func call(
    _ client: VarlinkClient, _ method: String, _ parameters: JSONObject
  ) throws -> JSONObject {
    var given: JSONObject = [:]
    for field in interface.method(method)?.input ?? [] {
      given[field.name] = parameters[field.name]
    }
    let reply = try client.call("\(Self.name).\(method)", given).parameters
    print("\(method): \(reply)")
    // Services may answer more than they declare.
    var declared: JSONObject = [:]
    for field in interface.method(method)?.output ?? [] { declared[field.name] = reply[field.name] }
    let output = interface.method(method)?.output ?? []
    if let fault = interface.fault(in: declared, against: output) {
      throw Mismatch("\(method) at \(fault)", reply)
    }
    return reply
  }

  struct Mismatch: Error, CustomStringConvertible {
    let description: String
    init(_ what: String, _ reply: JSONObject) { description = "\(what): not as declared: \(reply)" }
  }
}
