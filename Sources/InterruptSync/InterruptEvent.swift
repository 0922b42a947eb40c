/// One dispatch, as a watcher is told of it.
public struct InterruptEvent: Equatable, Sendable {
  /// Interrupts that the dispatch served: 1, or more when they coalesced (N19).
  public var count: UInt64
  /// Interrupts of the object so far, this dispatch included. Goes on counting over what was
  /// dropped and over reconnects (N13).
  public var total: UInt64
  /// When the dispatch ended, in nanoseconds of CLOCK_MONOTONIC.
  public var nanoseconds: UInt64
  /// Whether a routine claimed it (P19).
  public var isClaimed: Bool
  /// Events dropped since the watcher began, up to this one, because its buffer was full.
  public var dropped: UInt64
}
