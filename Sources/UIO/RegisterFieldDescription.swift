/// A field without its types, for lists, checks and messages.
public struct RegisterFieldDescription: Equatable, Sendable {
  /// As in the data sheet.
  public let name: String
  /// Its bits in the register.
  public let bits: ClosedRange<Int>
  /// What may be done with it.
  public let access: RegisterAccessKind
  let mask: UInt64
}
