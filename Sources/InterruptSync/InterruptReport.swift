/// Something about a connection that somebody should know. Delivered on the dispatcher's thread at
/// PASSIVE_LEVEL with no lock held, after the line has been taken care of; disconnecting from there
/// is allowed.
public enum InterruptReport: Sendable, CustomStringConvertible {
  /// The line ended: unbound, removed, or its writer closed. Once; the dispatcher has stopped.
  case removed(InterruptSyncError)
  /// Reading the line failed for good. Once; the dispatcher has stopped.
  case failed(InterruptSyncError)
  /// Nobody claims and the line keeps firing (N20); it is masked now.
  case stormBegan(unclaimed: UInt64)
  /// The line was re-armed and is quiet or claimed again.
  case stormEnded
  /// A Repeat did not come to a clean pass within the limit; the interrupt counts as handled (N20).
  case repeatLimitReached(passes: UInt64)
  /// The line could not be re-armed; it is tried again, with growing pauses, until it works or the
  /// line ends.
  case rearmFailed(InterruptSyncError)
  /// A failed re-arm worked.
  case rearmRecovered
  /// The system refused a thread attribute. On the connecting thread, once the connection stands.
  case attributeRefused(InterruptSyncError)

  /// A sentence for a log: the error with its hint, or what the line does.
  public var description: String {
    switch self {
    case .removed(let error), .failed(let error), .rearmFailed(let error),
      .attributeRefused(let error):
      error.description
    case .stormBegan(let unclaimed):
      "interrupt storm: \(unclaimed) in a row that no routine claimed; the line is masked"
    case .stormEnded: "interrupt storm ended"
    case .repeatLimitReached(let passes):
      "a routine still claims after \(passes) passes of mode repeat; one of them claims without looking at its device"
    case .rearmRecovered: "the line could be re-armed again"
    }
  }
}
