import TestSupport
import Testing

@testable import Varlink

private func parse(_ text: String) -> JSON? { try? JSONParser.parse(text) }

private let written: [(String, JSON)] = [
  ("null", JSON.null), (" \t\r\n true ", true), ("[]", JSON.array([])), ("{}", .object([:])),
  ("-0", 0),
  ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
  ("9223372036854775808", .unsigned(1 << 63)), ("18446744073709551615", .unsigned(.max)),
  ("18446744073709551616", .double(18_446_744_073_709_551_616)), ("1.0", .double(1)),
  ("1e2", .double(100)), ("-1.5E-1", .double(-0.15)), ("0.5", .double(0.5)),
  (#""""#, ""), (#""aé€😀""#, "aé€😀"),
  (#""\u00e9\u20ac\ud83d\ude00\/\b\f\n\r\t\"\\""#, "é€😀/\u{8}\u{c}\n\r\t\"\\"),
  (#""\u0000""#, "\0"),
  (#"{"a":[1,{"b":null}],"":false}"#, ["a": .array([1, ["b": nil]]), "": false]),
]

@Test(arguments: written)
func jsonIsReadAsItIsWritten(text: String, value: JSON) {
  #expect(parse(text) == value)
}

@Test(arguments: [
  "", " ", "nul", "nulll", "True", "undefined", "NaN", "Infinity", "-Infinity", "+1", "01", "-01",
  "-", "1.", ".5", "1.e1", "1e", "1e+", "0x10", "1_000", "1e999", "-1e999", "'a'", "\"", "\"a",
  "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"",
  "\"\\ud800\\ud800\"", "\"\n\"", "\"\u{1}\"", "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "]",
  "{", "{1:2}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{\"a\":1 \"b\":2}", "{a:1}",
  "{\"a\":1,\"a\":1}", "{\"a\":1,\"\\u0061\":2}", "1 2", "{} x", "// c\n1", "/**/1", "\u{feff}1",
  String(repeating: "9", count: 1025),
])
func whatIsNotJSONIsRefused(text: String) {
  #expect(parse(text) == nil)
}

@Test(
  arguments: [
    [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82], [0x80],
  ] as [[UInt8]])
func whatIsNotUTF8IsRefused(bytes: [UInt8]) {
  #expect((try? JSONParser.parse([0x22] + bytes + [0x22])) == nil)
}

@Test func integersKeepAll64BitsBothWays() throws {
  for value in [0, 1, UInt64(Int64.max), UInt64(Int64.max) + 1, .max - 1, .max] {
    let read = try JSONParser.parse(JSONWriter.bytes(JSON(value)))
    #expect(read.uint64 == value)
    #expect(read.int64 == Int64(exactly: value))
  }
  #expect(parse("-1")?.uint64 == nil)
  #expect(parse("1.0")?.int64 == nil)
  #expect(parse("-9223372036854775808")?.int64 == .min)
}

@Test func nestingIsBounded() {
  func nested(_ count: Int) -> String {
    String(repeating: "[", count: count) + String(repeating: "]", count: count)
  }
  #expect(parse(nested(64)) != nil)
  #expect(parse(nested(65)) == nil)
  #expect(parse(String(repeating: "[", count: 1_000_000)) == nil)
  #expect(parse(String(repeating: "{\"a\":", count: 1_000_000)) == nil)
}

@Test func keysAreComparedByteForByte() throws {
  // One letter in two spellings, which String holds equal, and the Kelvin sign, which it takes for K.
  let object = try #require(parse("{\"\u{e9}\":1,\"e\u{301}\":2,\"K\":3,\"\u{212a}\":4}")?.object)
  #expect(object.count == 4)
  #expect(object["\u{e9}"] == 1)
  #expect(object["e\u{301}"] == 2)
  #expect(object["K"] == 3)
  #expect(object["\u{212a}"] == 4)
}

@Test func objectsKeepOrderAndFindKeysAtAnySize() {
  for size in [0, 1, 8, 9, 10, 1000] {
    var object = JSONObject()
    for number in 0..<size { object["k\(number)"] = .integer(Int64(number)) }
    #expect(object.members.map(\.key) == (0..<size).map { "k\($0)" })
    for number in 0..<size { #expect(object["k\(number)"] == .integer(Int64(number))) }
    #expect(object["k\(size)"] == nil)
    if size > 0 {
      #expect(object.insert("k0", 5) == false)
      object["k0"] = nil
      #expect(object["k0"] == nil && object.count == size - 1)
      if size > 1 { #expect(object["k\(size - 1)"] == .integer(Int64(size - 1))) }
      object["k0"] = 7
      #expect(object.members.last?.value == 7)
    }
  }
}

@Test func writingNeedsNoWhiteSpaceAndNeverAZeroByte() {
  let value: JSON = ["a": ["x\0\u{1f}\u{7f}/\"\\\n", 1, 1.5, true, nil], "b": .unsigned(.max)]
  let text =
    #"{"a":["x\u0000\u001f"# + "\u{7f}" + #"/\"\\\n",1,1.5,true,null],"b":18446744073709551615}"#
  #expect(value.description == text)
  #expect(JSON.double(.nan).description == "null")
  #expect(JSON.double(-.infinity).description == "null")
}

@Test func whateverIsReadIsWrittenAndReadAgain() throws {
  var random = SeededGenerator(for: #function)
  func value(_ depth: Int) -> JSON {
    switch Int.random(in: 0..<(depth > 0 ? 9 : 7), using: &random) {
    case 0: return .null
    case 1: return .bool(.random(using: &random))
    case 2: return .integer(Int64(bitPattern: random.next()))
    case 3: return JSON(random.next())
    case 4:
      let double = Double(bitPattern: random.next())
      return .double(double.isFinite ? double : 0.5)
    case 5, 6:
      let scalars = (0..<Int.random(in: 0..<6, using: &random)).compactMap { _ in
        Unicode.Scalar(UInt32.random(in: 0..<0x11_0000, using: &random))
      }
      return .string(String(String.UnicodeScalarView(scalars)))
    case 7: return .array((0..<Int.random(in: 0..<5, using: &random)).map { _ in value(depth - 1) })
    default:
      var object = JSONObject()
      for _ in 0..<Int.random(in: 0..<12, using: &random) {
        object[String(random.next() % 50)] = value(depth - 1)
      }
      return .object(object)
    }
  }
  for _ in 0..<500 {
    let given = value(4)
    let bytes = JSONWriter.bytes(given)
    #expect(!bytes.contains(0))
    #expect(JSONWriter.bytes(try JSONParser.parse(bytes)) == bytes, "\(given)")
  }
}

@Test func noBytesCrashTheParser() {
  var random = SeededGenerator(for: #function)
  let seed = Array(
    #"{"method":"a.b.C","parameters":{"x":[1,-2.5e3,"\ud83d\ude00é",null,true],"y":{}},"more":true}"#
      .utf8)
  var taken = 0
  for _ in 0..<repetitions(10_000) {
    let bytes = random.mutate(seed)
    guard let value = try? JSONParser.parse(bytes) else { continue }
    taken += 1
    let again = try? JSONParser.parse(JSONWriter.bytes(value))
    #expect(again == value, "\(String(decoding: bytes, as: UTF8.self))")
  }
  #expect(taken > repetitions(100))
  for _ in 0..<2000 {
    _ = try? JSONParser.parse(
      (0..<Int.random(in: 0..<64, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      })
  }
}

@Test func errorsSayWhere() {
  #expect(throws: JSONError(cause: "the same key twice", offset: 7)) {
    try JSONParser.parse(#"{"a":1,"a":2}"#)
  }
  #expect(throws: JSONError(cause: "text after the value", offset: 3)) {
    try JSONParser.parse("{} x")
  }
}
