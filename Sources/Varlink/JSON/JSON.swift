// Floor 5. JSON values and objects as the protocol needs them. Every message is one JSON object.
// Numbers keep their kind, since counts and registers need all 64 bits and a decoder that goes
// through Double, or takes 1.0 for 1, loses some of them. Objects keep their members' order and
// compare keys byte for byte, unlike String. The daemon's methods, InterruptSyncClient and
// interruptsyncctl make and read them. Values: any thread, no lock.

/// A JSON value.
package enum JSON: Equatable, Sendable {
  case null
  case bool(Bool)
  /// An integer from -2⁶³ to 2⁶³ - 1.
  case integer(Int64)
  /// An integer from 2⁶³ to 2⁶⁴ - 1; smaller ones are `integer`.
  case unsigned(UInt64)
  /// A number written with a fraction or an exponent, or an integer beyond 64 bits. Never NaN or
  /// infinite when it was parsed.
  case double(Double)
  case string(String)
  case array([JSON])
  case object(JSONObject)

  /// An integer in the case that holds its value.
  package init(_ value: UInt64) {
    if let signed = Int64(exactly: value) {
      self = .integer(signed)
    } else {
      self = .unsigned(value)
    }
  }

  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

  /// The integer; nil for other kinds and when it is above 2⁶³ - 1.
  package var int64: Int64? { if case .integer(let value) = self { value } else { nil } }

  /// The integer; nil for other kinds and when it is negative.
  package var uint64: UInt64? {
    switch self {
    case .integer(let value): UInt64(exactly: value)
    case .unsigned(let value): value
    default: nil
    }
  }

  /// Any number, rounded where it must be.
  package var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .unsigned(let value): Double(value)
    case .double(let value): value
    default: nil
    }
  }

  package var string: String? { if case .string(let value) = self { value } else { nil } }
  package var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
  package var object: JSONObject? { if case .object(let value) = self { value } else { nil } }
}

extension JSON: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
  ExpressibleByNilLiteral
{
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(integerLiteral value: Int64) { self = .integer(value) }
  package init(floatLiteral value: Double) { self = .double(value) }
  package init(stringLiteral value: String) { self = .string(value) }
  package init(arrayLiteral elements: JSON...) { self = .array(elements) }
  package init(nilLiteral: ()) { self = .null }

  package init(dictionaryLiteral elements: (String, JSON)...) {
    var object = JSONObject()
    for (key, value) in elements { object[key] = value }
    self = .object(object)
  }
}

// MARK: Objects

/// A JSON object. Looking a key up costs the same in objects of any size.
package struct JSONObject: Sendable {
  package struct Member: Sendable {
    package let key: String
    package var value: JSON
  }

  /// In order.
  package private(set) var members: [Member] = []
  /// Where each key is; only of objects that are too large to search.
  private var places: [ByteKey: Int] = [:]
  private static let searched = 8

  package init() {}

  package var isEmpty: Bool { members.isEmpty }
  package var count: Int { members.count }

  /// The value of a key. Setting it keeps the key's place or adds it at the end; nil removes it.
  package subscript(key: String) -> JSON? {
    get { place(of: key).map { members[$0].value } }
    set {
      switch (place(of: key), newValue) {
      case (let place?, let value?): members[place].value = value
      case (let place?, nil):
        members.remove(at: place)
        index()
      case (nil, let value?): append(key, value)
      case (nil, nil): break
      }
    }
  }

  /// Adds a member. False when the key is there already.
  package mutating func insert(_ key: String, _ value: JSON) -> Bool {
    guard place(of: key) == nil else { return false }
    append(key, value)
    return true
  }

  private mutating func append(_ key: String, _ value: JSON) {
    if members.isEmpty { members.reserveCapacity(4) }
    members.append(Member(key: key, value: value))
    if places.isEmpty { index() } else { places[ByteKey(text: key)] = members.count - 1 }
  }

  private mutating func index() {
    places.removeAll()
    guard members.count > Self.searched else { return }
    for (place, member) in members.enumerated() { places[ByteKey(text: member.key)] = place }
  }

  private func place(of key: String) -> Int? {
    guard places.isEmpty else { return places[ByteKey(text: key)] }
    return members.firstIndex { $0.key.hasBytes(of: key) }
  }

  private struct ByteKey: Hashable {
    let text: String

    static func == (left: ByteKey, right: ByteKey) -> Bool { left.text.hasBytes(of: right.text) }

    func hash(into hasher: inout Hasher) {
      for byte in text.utf8 { hasher.combine(byte) }
    }
  }
}

extension String {
  fileprivate func hasBytes(of other: String) -> Bool {
    // No letter beyond ASCII has as few bytes as the ASCII that Unicode takes for the same.
    utf8.count == other.utf8.count && self == other
      && (utf8Span.isKnownASCII || utf8.elementsEqual(other.utf8))
  }
}

/// Without regard to order.
extension JSONObject: Equatable {
  package static func == (left: JSONObject, right: JSONObject) -> Bool {
    left.count == right.count && left.members.allSatisfy { right[$0.key] == $0.value }
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  package init(dictionaryLiteral elements: (String, JSON)...) {
    for (key, value) in elements { self[key] = value }
  }
}

// MARK: Faults

/// Why a text is no JSON value, and where.
package struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
  package let cause: String
  /// Bytes before the fault.
  package let offset: Int

  package var description: String { "\(cause) at byte \(offset)" }
}
