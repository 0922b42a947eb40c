// Recipes room. A recipe as the configuration writes it: a claim register, captures and
// acknowledgements. RoutineSettings makes it, ManagedDevice+Service checks it and hands it to
// RecipeRoutine, which runs it. Plain values, checked when they are made: control thread, no lock.
import LinuxSystem
public import UIO

/// How to service a device without code: whether the interrupt is the device's, and what silences
/// the device.
public struct Recipe: Equatable, Sendable {
  /// What an acknowledgement writes.
  public enum Value: Equatable, Sendable {
    case constant(UInt64)
    /// What the claim register read, under its mask.
    case claimed
    /// What the capture of this name read, under its mask.
    case captured(String)
  }

  /// One write.
  public struct Acknowledgement: Equatable, Sendable {
    public let register: RegisterReference
    public let value: Value

    /// Reads `REGION:OFFSET/WIDTH=VALUE`, VALUE a number, `claimed` or one of `captures`.
    /// - Throws: `malformed`.
    public init(_ text: String, captures: [String] = []) throws(UIOError) {
      let (place, valueText) = RegisterReference.split(text, at: "=")
      register = try RegisterReference(written: place)
      if valueText == "claimed" {
        value = .claimed
      } else if let valueText, captures.contains(valueText) {
        value = .captured(valueText)
      } else if let number = valueText.flatMap({ NumberParsing.parse($0, as: UInt64.self) }),
        register.width == 64 || number >> UInt64(register.width) == 0
      {
        value = .constant(number)
      } else {
        let names = (["claimed"] + captures).map { "\"\($0)\"" }.joined(separator: ", ")
        throw UIOError(
          .malformed, device: text, operation: "read an acknowledgement",
          cause:
            "the value \"\(valueText ?? "")\" is neither \(names) nor a number of \(register.width) bits",
          hint: "write REGION:OFFSET/WIDTH=VALUE, for instance bar0:0x64/32=claimed")
      }
    }
  }

  /// The interrupt is the device's if this is not 0; nil: always.
  public var claim: RegisterReference?
  /// Read if the interrupt is claimed, in this order and before anything is written.
  public var captures: [Capture]
  /// Written in this order.
  public var acknowledgements: [Acknowledgement]

  /// Claims every interrupt and writes nothing.
  public init() {
    captures = []
    acknowledgements = []
  }

  /// - Throws: `malformed` if an acknowledgement writes the claimed value and there is no claim
  ///   register, or a value that is not captured, and if two captures have the same name.
  public init(
    claim: RegisterReference?, captures: [Capture] = [], acknowledgements: [Acknowledgement]
  ) throws(UIOError) {
    if claim == nil, acknowledgements.contains(where: { $0.value == .claimed }) {
      throw UIOError(
        .malformed, device: "recipe", operation: "read an acknowledgement",
        cause: "\"claimed\" is written back, but no register is claimed",
        hint: "give Claim= (--claim), or write a number")
    }
    let names = Set(captures.map(\.name))
    guard names.count == captures.count, captures.count <= Capture.limit else {
      throw UIOError(
        .malformed, device: "recipe", operation: "read a capture",
        cause: "there are more than \(Capture.limit) captures, or two with the same name",
        hint: "give each register its own name")
    }
    for case .captured(let name) in acknowledgements.map(\.value) where !names.contains(name) {
      throw UIOError(
        .malformed, device: "recipe", operation: "read an acknowledgement",
        cause: "\"\(name)\" is written back, but not captured",
        hint: "capture it, or write a number")
    }
    self.claim = claim
    self.captures = captures
    self.acknowledgements = acknowledgements
  }
}

extension Recipe {
  /// One register that is read if the interrupt is claimed, and the name of its value.
  public struct Capture: Equatable, Sendable {
    /// The most captures that a recipe can have.
    public static let limit = 8

    /// Small letters, digits, `_` and `-`, beginning with a letter; not `claimed`.
    public let name: String
    public let register: RegisterReference

    /// Reads `NAME=REGION:OFFSET/WIDTH` with an optional `&MASK`: `status=bar0:0x24/32&0xff`.
    /// - Throws: `malformed`, naming the part.
    public init(_ text: String) throws(UIOError) {
      let (name, place) = RegisterReference.split(text, at: "=")
      let isName = name.unicodeScalars.enumerated().allSatisfy { index, scalar in
        switch scalar {
        case "a"..."z": true
        case "0"..."9", "_", "-": index > 0
        default: false
        }
      }
      guard let place, isName, !name.isEmpty, name.utf8.count <= 32, name != "claimed" else {
        throw UIOError(
          .malformed, device: text, operation: "read a capture",
          cause: place == nil ? "it has no name" : "\"\(name)\" is not a name for a value",
          hint:
            "write NAME=REGION:OFFSET/WIDTH, for instance status=bar0:0x24/32; NAME is lowercase letters, digits, \"_\" and \"-\", and not \"claimed\""
        )
      }
      self.name = name
      register = try RegisterReference(place)
    }
  }
}
