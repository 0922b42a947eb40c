/// What a service routine says about an interrupt (P15 to P19).
public enum Disposition: Sendable, CaseIterable {
  /// The routine's source had asked for service and was served: STATUS_SUCCESS. In mode normal no
  /// routine behind it is called (P15).
  case claimed
  /// The routine's source had not asked: STATUS_UNSUCCESSFUL. To claim without having looked hangs
  /// mode repeat (P18) and hides storms (N20).
  case notMine

  /// The status that the untyped surfaces carry for it.
  public var status: NTStatus { self == .claimed ? .success : .unsuccessful }

  /// For the thunks that clients compile.
  @inlinable var rawStatus: Int32 {
    switch self {
    case .claimed: 0
    case .notMine: Int32(bitPattern: 0xC000_0001)
    }
  }
}
