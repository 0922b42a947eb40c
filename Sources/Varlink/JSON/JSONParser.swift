// Floor 5. Parses JSON after RFC 8259 without leniency: one value, valid UTF-8, no key twice, no
// comma too many. Texts that parsers disagree on are refused, so that one text cannot be two
// messages to two readers. VarlinkCall parses calls on the control thread; VarlinkClient replies,
// and interruptsyncctl its argument, on theirs. No lock; limits bound what a text may cost.

/// Parses JSON. Any bytes may come; memory and depth are bounded by the text's length and the limits.
package struct JSONParser {
  private let bytes: [UInt8]
  private var position = 0
  private var depth: Int
  /// Values that may still come. What a value costs in time and memory is many times what its text
  /// does: `[],` is three bytes.
  private var values: Int
  private let mostValues: Int

  /// The longest number taken: a Double needs at most 767 digits.
  private static let longestNumber = 1024

  private init(_ bytes: [UInt8], depth: Int, values: Int) {
    self.bytes = bytes
    self.depth = depth
    self.values = values
    mostValues = values
  }

  /// - Parameters:
  ///   - depth: how many arrays and objects may be inside each other.
  ///   - values: how many values there may be, each element and member counted, and the whole.
  package static func parse(
    _ bytes: [UInt8], depth: Int = 64, values: Int = .max
  ) throws(JSONError) -> JSON {
    var parser = JSONParser(bytes, depth: depth, values: values)
    let value = try parser.value()
    parser.skipSpace()
    guard parser.peek == nil else { throw parser.error("text after the value") }
    return value
  }

  package static func parse(
    _ text: String, depth: Int = 64, values: Int = .max
  ) throws(JSONError) -> JSON {
    try parse(Array(text.utf8), depth: depth, values: values)
  }

  private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  private func error(_ cause: String) -> JSONError { JSONError(cause: cause, offset: position) }

  private mutating func skipSpace() {
    while let byte = peek, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 {
      position += 1
    }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard peek == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func value() throws(JSONError) -> JSON {
    skipSpace()
    guard values > 0 else { throw error("more than \(mostValues) values") }
    values -= 1
    switch peek {
    case UInt8(ascii: "{"):
      return .object(try nested { parser throws(JSONError) in try parser.object() })
    case UInt8(ascii: "["):
      return .array(try nested { parser throws(JSONError) in try parser.array() })
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "-"): return try number()
    case .some(UInt8(ascii: "0")...UInt8(ascii: "9")): return try number()
    case nil: throw error("no value")
    default: throw error("not a value")
    }
  }

  private mutating func nested<R>(
    _ body: (inout JSONParser) throws(JSONError) -> R
  ) throws(JSONError) -> R {
    guard depth > 0 else { throw error("nested too deeply") }
    depth -= 1
    position += 1
    let result = try body(&self)
    depth += 1
    return result
  }

  private mutating func word(_ text: StaticString, _ value: JSON) throws(JSONError) -> JSON {
    for byte in "\(text)".utf8 {
      guard peek == byte else { throw error("not a value") }
      position += 1
    }
    return value
  }

  private mutating func array() throws(JSONError) -> [JSON] {
    var elements: [JSON] = []
    skipSpace()
    if take("]") { return elements }
    while true {
      elements.append(try value())
      skipSpace()
      if take("]") { return elements }
      guard take(",") else { throw error("no comma or bracket after an element") }
    }
  }

  private mutating func object() throws(JSONError) -> JSONObject {
    var object = JSONObject()
    skipSpace()
    if take("}") { return object }
    while true {
      skipSpace()
      guard peek == UInt8(ascii: "\"") else { throw error("no key") }
      let start = position
      let key = try string()
      skipSpace()
      guard take(":") else { throw error("no colon after a key") }
      guard object.insert(key, try value()) else {
        throw JSONError(cause: "the same key twice", offset: start)
      }
      skipSpace()
      if take("}") { return object }
      guard take(",") else { throw error("no comma or brace after a member") }
    }
  }
}

// MARK: Numbers

extension JSONParser {
  private mutating func digits() throws(JSONError) {
    let start = position
    while let byte = peek, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
    guard position > start else { throw error("no digit in a number") }
  }

  private mutating func number() throws(JSONError) -> JSON {
    let start = position
    _ = take("-")
    let first = position
    try digits()
    guard bytes[first] != UInt8(ascii: "0") || position == first + 1 else {
      throw JSONError(cause: "a number with a leading zero", offset: first)
    }
    var isInteger = true
    if take(".") {
      isInteger = false
      try digits()
    }
    if take("e") || take("E") {
      isInteger = false
      if !take("+") { _ = take("-") }
      try digits()
    }
    guard position - start <= Self.longestNumber else {
      throw JSONError(
        cause: "a number of more than \(Self.longestNumber) characters", offset: start)
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isInteger, let value = Int64(text) { return .integer(value) }
    if isInteger, let value = UInt64(text) { return .unsigned(value) }
    guard let value = Double(text), value.isFinite else {
      throw JSONError(cause: "a number beyond what a double holds", offset: start)
    }
    return .double(value)
  }
}

// MARK: Strings

extension JSONParser {
  private mutating func string() throws(JSONError) -> String {
    let start = position
    position += 1
    skipPlain()
    // Most strings have no escape: they are as they stand.
    if peek == UInt8(ascii: "\"") {
      defer { position += 1 }
      return try text(bytes.span.extracting(start + 1..<position), from: start)
    }
    var text = Array(bytes[start + 1..<position])
    while !take("\"") {
      guard take("\\") else {
        throw error(peek == nil ? "a string without an end" : "a control character in a string")
      }
      try escape(into: &text)
      let run = position
      skipPlain()
      text += bytes[run..<position]
    }
    return try self.text(text.span, from: start)
  }

  /// Goes on to what ends a string, escapes something in it, or must not be there.
  private mutating func skipPlain() {
    let rest = bytes[position...]
    position =
      rest.firstIndex { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }
      ?? rest.endIndex
  }

  private func text(_ bytes: Span<UInt8>, from start: Int) throws(JSONError) -> String {
    do throws(UTF8.ValidationError) {
      return String(copying: try UTF8Span(validating: bytes))
    } catch { throw JSONError(cause: "not UTF-8", offset: start) }
  }

  private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
    guard let byte = peek else { throw error("a string without an end") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0c)
    case UInt8(ascii: "n"): text.append(0x0a)
    case UInt8(ascii: "r"): text.append(0x0d)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"): text += Unicode.UTF8.encode(try scalar()) ?? .init()
    default:
      position -= 1
      throw error("an unknown escape")
    }
  }

  private mutating func scalar() throws(JSONError) -> Unicode.Scalar {
    let start = position
    var code = try hexadecimal()
    if (0xd800...0xdbff).contains(code), take("\\"), take("u") {
      let low = try hexadecimal()
      guard (0xdc00...0xdfff).contains(low) else {
        throw JSONError(cause: "half a surrogate pair", offset: start)
      }
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
    }
    guard let scalar = Unicode.Scalar(code) else {
      throw JSONError(cause: "half a surrogate pair", offset: start)
    }
    return scalar
  }

  private mutating func hexadecimal() throws(JSONError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = peek.flatMap(Self.hexadecimalDigit) else {
        throw error("not four hexadecimal digits")
      }
      code = code << 4 | digit
      position += 1
    }
    return code
  }

  private static func hexadecimalDigit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
  }
}
