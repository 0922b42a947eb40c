/// One dispatch, as a ring brings it.
public struct InterruptRecord: Equatable, Sendable {
  /// Interrupts that this dispatch was for; more than 1 when some came while another was serviced.
  public let interrupts: UInt64
  /// Interrupts of the device so far, this dispatch's included. The difference to the record before
  /// is `interrupts`, unless records were dropped between.
  public let total: UInt64
  /// When, in nanoseconds of CLOCK_MONOTONIC.
  public let timestampNanoseconds: UInt64
  /// Whether a routine claimed it.
  public let claimed: Bool
  /// Records that this ring had no room for until then.
  public let dropped: UInt64
  /// The values of the captured registers, in the order of the ring's `captures`.
  public let captured: [UInt64]
}
