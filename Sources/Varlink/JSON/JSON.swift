// Every message is one JSON object. Numbers keep their kind, since counts and registers need all 64
// bits and a decoder that goes through Double, or takes 1.0 for 1, loses some of them.

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
