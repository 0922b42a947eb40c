// Floor 6. One step of a transaction: as a value, as a member of the Varlink message, and as text.
// interruptsyncctl and client programs build lists of them for `transact`. Values, for any thread;
// no lock.
import LinuxSystem
public import UIO
package import Varlink

/// An operation on a register. The operations of one transaction run as one synchronized routine:
/// no service routine and no other transaction runs in between.
public enum RegisterOperation: Equatable, Sendable, CustomStringConvertible {
  /// The result is what the register holds, under the reference's mask.
  case read(RegisterReference)
  /// The result is the value written.
  case write(RegisterReference, value: UInt64)
  /// Writes (held and not `mask`) or `value`; the result is what the register held before.
  case update(RegisterReference, mask: UInt64, value: UInt64)
  /// Waits until (held and `mask`) equals `value`, at most for `timeout`, which counts in whole
  /// microseconds, rounded up; the result is what the register held then.
  case wait(RegisterReference, mask: UInt64, value: UInt64, timeout: Duration)

  /// The register.
  package var register: RegisterReference {
    switch self {
    case .read(let register), .write(let register, _), .update(let register, _, _),
      .wait(let register, _, _, _):
      register
    }
  }

  /// The text that `RegisterOperations.parse` reads.
  public var description: String {
    func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
    switch self {
    case .read(let register):
      let all: UInt64 = register.width == 64 ? .max : (1 << UInt64(register.width)) - 1
      return "read \(register)" + (register.mask == all ? "" : "&\(hex(register.mask))")
    case .write(let register, let value): return "write \(register)=\(hex(value))"
    case .update(let register, let mask, let value):
      return "update \(register)&\(hex(mask))=\(hex(value))"
    case .wait(let register, let mask, let value, let timeout):
      return "wait \(register)&\(hex(mask))=\(hex(value)) \(timeout.wholeMicroseconds)us"
    }
  }

  package var json: JSONObject {
    var object: JSONObject = [:]
    func add(_ operation: String, _ register: RegisterReference) {
      object["operation"] = .string(operation)
      object["register"] = .string("\(register)&0x\(String(register.mask, radix: 16))")
    }
    switch self {
    case .read(let register): add("read", register)
    case .write(let register, let value):
      add("write", register)
      object["value"] = JSON(value)
    case .update(let register, let mask, let value):
      add("update", register)
      object["value"] = JSON(value)
      object["mask"] = JSON(mask)
    case .wait(let register, let mask, let value, let timeout):
      add("wait", register)
      object["value"] = JSON(value)
      object["mask"] = JSON(mask)
      object["microseconds"] = JSON(timeout.wholeMicroseconds)
    }
    return object
  }
}

extension Duration {
  /// Rounded up; at least 0 and at most what UInt64 holds.
  fileprivate var wholeMicroseconds: UInt64 {
    guard self > .zero else { return 0 }
    let (seconds, attoseconds) = components
    let fraction = UInt64((attoseconds + 999_999_999_999) / 1_000_000_000_000)
    let (whole, isTooLong) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000)
    let (sum, hasOverflown) = whole.addingReportingOverflow(fraction)
    return isTooLong || hasOverflown ? .max : sum
  }
}

// MARK: Text

/// Reads operations from text:
///
///     read bar0:0x24/32
///     write bar0:0x60/32=1
///     update bar0:4/32&0xff=0x3
///     wait bar0:0/32&1=1 500us
public enum RegisterOperations {
  /// Reads any number of operations, as words separated by white space.
  /// - Throws: `malformed`, naming the word.
  public static func parse(_ text: String) throws(UIOError) -> [RegisterOperation] {
    try templates(text).map { (template) throws(UIOError) in
      guard let operation = template.operation(claimed: nil) else {
        throw malformed("claimed", "only attach has a claimed value")
      }
      return operation
    }
  }

  /// An operation whose value may be known only later.
  package struct Template: Equatable, Sendable {
    package var body: RegisterOperation
    /// The value is the claimed one.
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
        throw malformed(verb, "no register follows")
      }
      let timeout = verb == "wait" ? try time(words.popFirst(), after: place) : .zero
      templates.append(try template(verb, place, timeout))
    }
    return templates
  }

  private static func template(
    _ verb: String, _ text: String, _ timeout: Duration
  ) throws(UIOError) -> Template {
    let (place, valueText) = RegisterReference.split(text, at: "=")
    let register = try RegisterReference(place)
    guard verb != "read" else {
      guard valueText == nil else { throw malformed(text, "a read takes no value") }
      return Template(body: .read(register))
    }
    guard let valueText else { throw malformed(text, "no value follows") }
    let isClaimed = valueText == "claimed" && verb != "wait"
    guard let value = isClaimed ? 0 : NumberParsing.parse(valueText, as: UInt64.self) else {
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
        throw malformed(text, "the value has bits outside the mask and can never match")
      }
      return Template(
        body: .wait(register, mask: register.mask, value: value, timeout: timeout))
    }
  }

  private static func time(_ text: String?, after place: String) throws(UIOError) -> Duration {
    for (unit, factor) in [("us", UInt64(1)), ("ms", 1000)] {
      guard let text, text.hasSuffix(unit) else { continue }
      guard let number = NumberParsing.parse(text.dropLast(2), as: UInt64.self),
        case (let microseconds, false) = number.multipliedReportingOverflow(by: factor)
      else { break }
      return .microseconds(microseconds)
    }
    throw malformed(text ?? place, "a wait needs a timeout such as 500us or 2ms")
  }

  private static func malformed(_ text: String, _ cause: String) -> UIOError {
    UIOError(
      .malformed, device: text, operation: "read a transaction", cause: cause,
      hint: "examples: read bar0:0x24/32 write bar0:0x60/32=1 "
        + "update bar0:4/32&0xff=0x3 wait bar0:0/32&1=1 500us")
  }
}
