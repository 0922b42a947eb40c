// One step of a transaction, as a value and as people write it.
public import UIO
package import Varlink

/// An operation on a register. Operations of one transaction run as one synchronized routine: no
/// service routine and no other transaction in between.
public enum RegisterOperation: Equatable, Sendable, CustomStringConvertible {
  /// The result is what the register holds, under the reference's mask.
  case read(RegisterReference)
  /// The result is the value written.
  case write(RegisterReference, value: UInt64)
  /// Writes (held and not `mask`) or `value`; the result is what the register held before.
  case update(RegisterReference, mask: UInt64, value: UInt64)
  /// Until (held and `mask`) equals `value`, at most so many microseconds; the result is what the
  /// register held then.
  case wait(RegisterReference, mask: UInt64, value: UInt64, microseconds: UInt64)

  /// The register.
  public var register: RegisterReference {
    switch self {
    case .read(let register), .write(let register, _), .update(let register, _, _),
      .wait(let register, _, _, _):
      register
    }
  }

  /// As `RegisterOperations` reads it.
  public var description: String {
    func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
    switch self {
    case .read(let register):
      let all: UInt64 = register.width == 64 ? .max : (1 << UInt64(register.width)) - 1
      return "read \(register)" + (register.mask == all ? "" : "&\(hex(register.mask))")
    case .write(let register, let value): return "write \(register)=\(hex(value))"
    case .update(let register, let mask, let value):
      return "update \(register)&\(hex(mask))=\(hex(value))"
    case .wait(let register, let mask, let value, let microseconds):
      return "wait \(register)&\(hex(mask))=\(hex(value)) \(microseconds)us"
    }
  }

  package var json: JSONObject {
    var object: JSONObject = [:]
    switch self {
    case .read(let register):
      object["operation"] = "read"
      object["register"] = .string(Self.text(register))
    case .write(let register, let value):
      object["operation"] = "write"
      object["register"] = .string(Self.text(register))
      object["value"] = JSON(value)
    case .update(let register, let mask, let value):
      object["operation"] = "update"
      object["register"] = .string(Self.text(register))
      object["value"] = JSON(value)
      object["mask"] = JSON(mask)
    case .wait(let register, let mask, let value, let microseconds):
      object["operation"] = "wait"
      object["register"] = .string(Self.text(register))
      object["value"] = JSON(value)
      object["mask"] = JSON(mask)
      object["microseconds"] = JSON(microseconds)
    }
    return object
  }

  private static func text(_ register: RegisterReference) -> String {
    "\(register)&0x\(String(register.mask, radix: 16))"
  }
}
