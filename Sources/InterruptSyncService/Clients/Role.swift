/// What a client may do, each more than the one before.
enum Role: Int, Comparable {
  case none
  /// Look.
  case observe
  /// Service devices and touch their registers.
  case control
  /// Change what the daemon is.
  case admin

  static func < (left: Role, right: Role) -> Bool { left.rawValue < right.rawValue }
}
