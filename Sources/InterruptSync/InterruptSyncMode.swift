/// In which manner an interrupt walks the list of service routines. Fixed for the life of the
/// object (P4).
public enum InterruptSyncMode: Int32, Sendable, CaseIterable, CustomStringConvertible {
  /// Head to tail, up to the first routine that claims (P15). For level lines with independent
  /// sources: what is still asserted interrupts again after the re-arm.
  case normal = 1
  /// Every routine once, whatever the earlier ones said (P16).
  case all = 2
  /// Whole passes until one pass has no claim (P17). For several sources on one edge-like line.
  case `repeat` = 3

  /// `normal`, `all` or `repeat`, as the daemon's `--mode` takes it.
  public var description: String {
    switch self {
    case .normal: "normal"
    case .all: "all"
    case .repeat: "repeat"
    }
  }
}
