// Summaries, transactions and attachments, against a fake daemon.
import CUIO
import LinuxSystem
import Testing
import Varlink

@testable import InterruptSyncClient

@Test func eventsComeOneSummaryAfterTheOther() throws {
  let daemon = try FakeDaemon(
    .init(name: "Events", streaming: .required) { call in
      _ = call.send([
        "interrupts": 3, "dispatches": 2, "timestampNanoseconds": 99, "claimed": true,
        "captured": ["status": .unsigned(.max)], "coalesced": 1,
      ])
      call.reply([
        "interrupts": 1, "dispatches": 1, "timestampNanoseconds": 100, "claimed": false,
        "captured": [:], "coalesced": 0,
      ])
    })
  var summaries = try daemon.client().events("beat")
  let first = try #require(try summaries.next())
  #expect(first.interrupts == 3)
  #expect(first.dispatches == 2)
  #expect(first.timestamp == .nanoseconds(99))
  #expect(first.claimed)
  #expect(first.captured == ["status": .max])
  #expect(first.coalesced == 1)
  #expect(try summaries.next()?.claimed == false)
  #expect(try summaries.next() == nil)
}

@Test func eventsOfNoDeviceFailWithTheFirst() throws {
  let daemon = try FakeDaemon(
    .init(name: "Events", streaming: .required) { _ throws(ErrorReply) in
      throw refusal("NoSuchDevice", ["device": "x", "message": "none"])
    })
  var summaries = try daemon.client().events("x")
  #expect(failure { _ = try summaries.next() }?.code == .noSuchDevice)
}

@Test func transactionCarriesEveryOperation() throws {
  let seen = Seen<String>()
  let daemon = try FakeDaemon(
    .init(name: "Transact") { call in
      let operations = call.parameters["operations"]?.array ?? []
      for operation in operations { seen.add("\(operation)") }
      call.reply(["results": .array(operations.map { _ in .unsigned(.max) })])
    })
  let operations = try RegisterOperations.parse(
    "read bar0:4/32&1 write bar0:8/64=0xffffffffffffffff update bar0:4/32&0xf=3 "
      + "wait map0:0/8&1=1 5us")
  #expect(try daemon.client().transact("a", operations) == [.max, .max, .max, .max])
  #expect(
    seen.all == [
      #"{"operation":"read","register":"bar0:0x4/32&0x1"}"#,
      #"{"operation":"write","register":"bar0:0x8/64&0xffffffffffffffff","value":18446744073709551615}"#,
      #"{"operation":"update","register":"bar0:0x4/32&0xf","value":3,"mask":15}"#,
      #"{"operation":"wait","register":"map0:0x0/8&0x1","value":1,"mask":1,"microseconds":5}"#,
    ])
}

@Test(
  arguments: [
    (refusal("WaitExpired", ["operation": 1, "results": [5, 6]]), .waitExpired, "operation 2"),
    (refusal("DeviceGone", ["device": "a", "results": [5, 6]]), .deviceGone, "removed"),
  ] as [(ErrorReply, InterruptSyncClientError.Code, String)])
func transactionThatCameSoFarHasItsResults(
  reply: ErrorReply, code: InterruptSyncClientError.Code, words: String
) throws {
  let daemon = try FakeDaemon("Transact", refusing: reply)
  let error = failure { _ = try daemon.client().transact("a", []) }
  #expect(error?.code == code)
  #expect(error?.results == [5, 6])
  #expect(error?.cause.contains(words) == true)
}

@Test func resultsThatAreTooFewAreTold() throws {
  let daemon = try FakeDaemon("Transact", ["results": []])
  let operations = try RegisterOperations.parse("read bar0:0/32")
  #expect(failure { _ = try daemon.client().transact("a", operations) }?.code == .protocolViolation)
}

@Test func attachedDeviceIsWokenCompletesAndDetaches() throws {
  let seen = Seen<String>()
  let (wake, event) = try FileDescriptor.wakePair()
  func method(_ name: String, _ reply: JSONObject) -> FakeDaemon.Method {
    .init(name: name) { call in
      seen.add("\(name) \(call.connection.id) \(call.parameters)")
      call.reply(reply)
    }
  }
  let daemon = try FakeDaemon(
    .init(name: "Attach") { call in
      seen.add("Attach \(call.connection.id) \(call.parameters)")
      call.reply(["event": 0], descriptors: [event])
    }, method("Complete", ["interrupts": 4]), method("Detach", [:]),
    method("Transact", ["results": [9]]))
  let client = try daemon.client()
  let device = try client.attach("a", deadline: .milliseconds(20))
  #expect(try !device.wait(timeout: .milliseconds(20)))
  #expect(linux_wake_pair_signal(wake.raw) == 0)
  #expect(try device.wait(timeout: .seconds(60)))
  #expect(try !device.wait(timeout: .zero))
  #expect(try device.transact(RegisterOperations.parse("read bar0:0/32")) == [9])
  #expect(try device.complete(claimed: false) == 4)
  try device.detach()
  let connections = Set(seen.all.map { $0.split(separator: " ")[1] })
  #expect(connections.count == 1)
  #expect(seen.all.first?.hasSuffix(#"{"device":"a","deadlineMicroseconds":20000}"#) == true)
  #expect(
    seen.all.contains {
      $0.hasPrefix("Complete") && $0.hasSuffix(#"{"device":"a","claimed":false}"#)
    })
}

@Test func attachedDeviceThatWaitsHearsOfTheDaemonsEnd() throws {
  let event = FileDescriptor(adopting: linux_event_create())
  let daemon = try FakeDaemon(
    .init(name: "Attach") { call in call.reply(["event": 0], descriptors: [event]) })
  let device = try daemon.client().attach("a")
  daemon.stop()
  #expect(failure { _ = try device.wait() }?.code == .disconnected)
}
