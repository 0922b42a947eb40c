public import UIO

extension Recipe {
  /// One register that is read when the interrupt is ours, and what its value is called.
  public struct Capture: Equatable, Sendable {
    /// Captures that a recipe can have.
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
            "write NAME=REGION:OFFSET/WIDTH, for instance status=bar0:0x24/32; NAME is small letters, digits, \"_\" and \"-\", and not \"claimed\""
        )
      }
      self.name = name
      register = try RegisterReference(place)
    }
  }
}
