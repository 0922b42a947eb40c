// What one message may cost its reader. The bound is in values, which is what costs time and memory,
// and not in seconds: a text that would make more ends at the value beyond the limit.
import LinuxSystem
import TestSupport
import Testing

@testable import Varlink

/// The most that a message of a peer without control may have.
private let most = ServerLimits().smallMessage.values

/// Texts of about `size` bytes that make as many values as they can.
private func dearest(_ size: Int) -> [(name: String, text: String)] {
  func fill(_ piece: String, _ start: String = "[", _ end: String = "]") -> String {
    start + Array(repeating: piece, count: size / (piece.utf8.count + 1)).joined(separator: ",")
      + end
  }
  let members = (0..<size / 10).map { "\"\($0)\":0" }.joined(separator: ",")
  return [
    ("empty strings", fill("\"\"")), ("empty arrays", fill("[]")), ("empty objects", fill("{}")),
    ("digits", fill("0")), ("nested arrays", fill("[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]")),
    ("objects of one member", fill("{\"\":{}}")), ("members", "{" + members + "}"),
    ("escapes", fill("\"\\u0000\"")), ("words", fill("null")), ("exponents", fill("1e1")),
    ("the parameters of a call", #"{"method":"a.b.C","parameters":{"list":"# + fill("[]") + "}}"),
  ]
}

/// Counts the values of a text that was parsed, the whole included.
private func count(_ value: JSON) -> Int {
  switch value {
  case .array(let elements): 1 + elements.reduce(0) { $0 + count($1) }
  case .object(let object): 1 + object.members.reduce(0) { $0 + count($1.value) }
  default: 1
  }
}

@Test(arguments: dearest(64 << 10)) func aTextWithTooManyValuesEndsAtTheFirstBeyondTheLimit(
  _ dear: (name: String, text: String)
) throws {
  let error = try #require(throws: JSONError.self) {
    try JSONParser.parse(dear.text, values: most)
  }
  #expect(error.cause == "more than \(most) values")
  // Nothing behind the limit was looked at: the part before it makes no more values.
  let whole = try JSONParser.parse(dear.text)
  #expect(count(whole) > most)
  #expect(error.offset <= most * 80)
}

@Test func aTextWithAsManyValuesAsMayBeIsTaken() throws {
  let text = "[" + Array(repeating: "[]", count: most - 1).joined(separator: ",") + "]"
  #expect(count(try JSONParser.parse(text, values: most)) == most)
  let error = try #require(throws: JSONError.self) { try JSONParser.parse(text, values: most - 1) }
  #expect(error.cause == "more than \(most - 1) values")
  #expect(error.offset == text.utf8.count - 3)
}

@Test(arguments: [
  ("open brackets", String(repeating: "[", count: 1 << 20), "nested too deeply"),
  ("open braces", String(repeating: #"{"":"#, count: 1 << 18), "nested too deeply"),
  ("one digit after the other", String(repeating: "1", count: 1 << 20), "a number of more than"),
  ("a member twice", #"{"a":1,"a":2}"#, "the same key twice"),
  ("half an escape", "\"" + String(repeating: "\\u00", count: 1 << 10), "hexadecimal"),
]) func aTextThatIsTooMuchOfOneThingIsRefused(name: String, text: String, cause: String) throws {
  let error = try #require(throws: JSONError.self) { try JSONParser.parse(text, values: most) }
  #expect(error.cause.contains(cause), "\(name)")
}

@Test func aLongKeyAndALongStringCostOneValueEach() throws {
  let long = String(repeating: "\\u00e9", count: 10_000)
  let value = try JSONParser.parse("{\"\(long)\":\"\(long)\"}", values: 2)
  #expect(value.object?.members.first?.key == String(repeating: "é", count: 10_000))
}

@Test func noMutationMakesMoreValuesThanTheLimit() throws {
  var random = SeededGenerator(for: #function)
  let texts = dearest(600).map { Array($0.text.utf8) }
  for _ in 0..<repetitions(2000) {
    let bytes = random.mutate(texts.randomElement(using: &random)!)
    guard let value = try? JSONParser.parse(bytes, values: 100) else { continue }
    #expect(count(value) <= 100)
  }
}

// MARK: Roles

private func call(_ bytes: Int) -> String {
  let head = #"{"method":"org.example.bench.Echo","parameters":{"text":""#
  let tail = #""}}"#
  return head + String(repeating: "x", count: bytes - head.utf8.count - tail.utf8.count) + tail
    + "\0"
}

@Test func withoutControlAMessageHasSixtyFourKibibytesAndAThousandValues() throws {
  let bench = try Bench()
  bench.server.standing = { _ in PeerStanding(sendsLargeMessages: false) }
  let client = try bench.client()
  try client.socket.put(call(64 << 10))
  try bench.settle()
  #expect(try client.take().replies.count == 1)
  try client.socket.put(call(64 << 10 + 1))
  try bench.settle()
  #expect(try client.take().isClosed)
  #expect(bench.notices.last?.description.contains("more than 65536 bytes") == true)
  let list = "[" + Array(repeating: "\"\"", count: 1100).joined(separator: ",") + "]"
  let many = #"{"method":"org.example.bench.Echo","parameters":{"text":"a","list":"# + list + "}}"
  #expect(try bench.exchange(many).isClosed)
  #expect(bench.notices.last?.description.contains("more than 1024 values") == true)
  bench.server.standing = { _ in PeerStanding() }
  #expect(try bench.exchange(many).replies.count == 1)
  #expect(try bench.exchange(String(call(100 << 10).dropLast())).replies.count == 1)
}

@Test func whoeverHasShownControlMaySendLargeMessages() throws {
  let bench = try Bench()
  bench.server.standing = { _ in PeerStanding(sendsLargeMessages: false) }
  let client = try bench.client()
  try #require(bench.server.places.all.values.first).exempt()
  try client.socket.put(call(100 << 10))
  try bench.settle()
  #expect(try client.take().replies.count == 1)
}

@Test func aReloadChangesTheLimitsOfAPeerWithoutControl() throws {
  let bench = try Bench()
  bench.server.standing = { _ in PeerStanding(sendsLargeMessages: false) }
  let client = try bench.client()
  bench.server.limits = ServerLimits(message: WireLimits(messageBytes: 4096))
  try client.socket.put(call(4097))
  try bench.settle()
  #expect(try client.take().isClosed)
}

@Test func aUserWhoseTimeIsUpHasNothingParsed() throws {
  let bench = try Bench(share: 0.01)
  let client = try bench.client()
  // The first call takes all that the user has; what is not JSON then waits unread.
  try client.socket.put(
    #"{"method":"org.example.bench.Spin","parameters":{"microseconds":10000}}"# + "\0[[[\0")
  try bench.settle()
  #expect(bench.notices.isEmpty && bench.spun == 1)
  try bench.settleAll()
  #expect(bench.notices.last?.description.contains("not JSON") == true)
}
