public import UIO

/// How a device is serviced without code: whose interrupt it is, and what silences it.
public struct Recipe: Equatable, Sendable {
  /// What an acknowledgement writes.
  public enum Value: Equatable, Sendable {
    case constant(UInt64)
    /// What the claim register read, under its mask.
    case claimed
  }

  /// One write.
  public struct Acknowledgement: Equatable, Sendable {
    public let register: RegisterReference
    public let value: Value

    /// Reads `REGION:OFFSET/WIDTH=VALUE`, VALUE a number or `claimed`.
    /// - Throws: `malformed`.
    public init(_ text: String) throws(UIOError) {
      let (place, valueText) = RegisterReference.split(text, at: "=")
      register = try RegisterReference(place)
      if valueText == "claimed" {
        value = .claimed
      } else if let number = valueText.flatMap({ Number.parse($0, as: UInt64.self) }),
        register.width == 64 || number >> UInt64(register.width) == 0
      {
        value = .constant(number)
      } else {
        throw UIOError(
          .malformed, device: text, operation: "read an acknowledgement",
          cause:
            "the value \"\(valueText ?? "")\" is neither \"claimed\" nor a number of \(register.width) bits",
          hint: "write REGION:OFFSET/WIDTH=VALUE, for instance bar0:0x64/32=claimed")
      }
    }
  }

  /// The interrupt is ours when this is not 0; nil: always.
  public var claim: RegisterReference?
  /// Written in this order.
  public var acknowledgements: [Acknowledgement]

  /// - Throws: `malformed` when an acknowledgement wants the claimed value and nothing is claimed
  ///   by register.
  public init(claim: RegisterReference?, acknowledgements: [Acknowledgement]) throws(UIOError) {
    if claim == nil, acknowledgements.contains(where: { $0.value == .claimed }) {
      throw UIOError(
        .malformed, device: "recipe", operation: "read an acknowledgement",
        cause: "\"claimed\" is written back, but no register is claimed",
        hint: "give --claim, or write a number")
    }
    self.claim = claim
    self.acknowledgements = acknowledgements
  }
}
