// Transactions as shells write them: a verb, a register, and what belongs to the verb.
public import UIO

/// Reads operations written as text:
///
///     read bar0:0x24/32
///     write bar0:0x60/32=1
///     update bar0:4/32&0xff=0x3
///     wait bar0:0/32&1=1 500us
public enum RegisterOperations {
  /// Reads any number of operations, in words that white space separates.
  /// - Throws: `malformed`, naming the word.
  public static func parse(_ text: String) throws(UIOError) -> [RegisterOperation] {
    try templates(text).map { (template) throws(UIOError) in
      guard let operation = template.operation(claimed: nil) else {
        throw malformed("claimed", "there is nothing that was claimed")
      }
      return operation
    }
  }

  /// An operation whose value may be known only later.
  package struct Template: Equatable, Sendable {
    package var body: RegisterOperation
    /// The value is what was claimed.
    package var takesClaimed = false

    /// - Parameter claimed: nil: not known.
    package func operation(claimed: UInt64?) -> RegisterOperation? {
      guard takesClaimed else { return body }
      guard let claimed else { return nil }
      switch body {
      case .write(let register, _): return .write(register, value: claimed)
      case .update(let register, let mask, _):
        return .update(register, mask: mask, value: claimed & mask)
      case .read, .wait: return body
      }
    }
  }

  /// The same, where the values of writes and updates may be the word `claimed`.
  package static func templates(_ text: String) throws(UIOError) -> [Template] {
    var words = text.split(whereSeparator: \.isWhitespace).map(String.init)[...]
    var templates: [Template] = []
    while let verb = words.popFirst() {
      guard ["read", "write", "update", "wait"].contains(verb) else {
        throw malformed(verb, "an operation begins with read, write, update or wait")
      }
      guard let place = words.popFirst() else {
        throw malformed(verb, "no register stands behind it")
      }
      let limit = verb == "wait" ? try time(words.popFirst(), after: place) : 0
      templates.append(try template(verb, place, limit))
    }
    return templates
  }

  private static func template(
    _ verb: String, _ text: String, _ microseconds: UInt64
  ) throws(UIOError) -> Template {
    let (place, valueText) = RegisterReference.split(text, at: "=")
    let register = try RegisterReference(place)
    guard verb != "read" else {
      guard valueText == nil else { throw malformed(text, "a read takes no value") }
      return Template(body: .read(register))
    }
    guard let valueText else { throw malformed(text, "no value stands behind it") }
    let isClaimed = valueText == "claimed" && verb != "wait"
    guard let value = isClaimed ? 0 : Number.parse(valueText, as: UInt64.self) else {
      throw malformed(text, "the value \"\(valueText)\" is not a number")
    }
    guard register.width == 64 || value >> UInt64(register.width) == 0 else {
      throw malformed(text, "the value has more than \(register.width) bits")
    }
    let hasMask = place.contains("&")
    switch verb {
    case "write":
      guard !hasMask else { throw malformed(text, "a write takes no mask; update does") }
      return Template(body: .write(register, value: value), takesClaimed: isClaimed)
    case "update":
      guard hasMask else { throw malformed(text, "an update needs a mask: REGISTER&MASK=VALUE") }
      return Template(
        body: .update(register, mask: register.mask, value: value), takesClaimed: isClaimed)
    default:
      guard value & ~register.mask == 0 else {
        throw malformed(text, "the value has bits outside the mask and can never come")
      }
      return Template(
        body: .wait(register, mask: register.mask, value: value, microseconds: microseconds))
    }
  }

  private static func time(_ text: String?, after place: String) throws(UIOError) -> UInt64 {
    for (unit, factor) in [("us", UInt64(1)), ("ms", 1000)] {
      guard let text, text.hasSuffix(unit) else { continue }
      guard let number = Number.parse(text.dropLast(2), as: UInt64.self),
        case (let microseconds, false) = number.multipliedReportingOverflow(by: factor)
      else { break }
      return microseconds
    }
    throw malformed(text ?? place, "a wait ends after a time such as 500us or 2ms")
  }

  private static func malformed(_ text: String, _ cause: String) -> UIOError {
    UIOError(
      .malformed, device: text, operation: "read a transaction", cause: cause,
      hint: "write for instance: read bar0:0x24/32 write bar0:0x60/32=1 "
        + "update bar0:4/32&0xff=0x3 wait bar0:0/32&1=1 500us")
  }
}
