/// What happens when a line keeps interrupting and nobody claims (N20, S7).
///
/// Unclaimed dispatches in a row are counted; a pause of more than 100 ms between two starts the
/// count anew. At the limit the line is reported and not re-armed, which stops it (fact 43).
public struct StormPolicy: Equatable, Sendable {
  /// What is done with the line.
  public enum Action: Equatable, Sendable {
    /// Re-arm after a delay, in milliseconds, that doubles up to `longest` as long as the storm
    /// goes on.
    case backOff(first: Int32, longest: Int32)
    /// Leave it masked until `resumeAfterStorm()` or a reconnect.
    case stayMasked
  }

  /// Unclaimed dispatches in a row that make a storm; 0 never brakes.
  public var limit: UInt32
  /// What is done with the line at the limit.
  public var action: Action

  /// The standard policy unless told otherwise.
  ///
  /// - Parameters:
  ///   - limit: unclaimed dispatches in a row that make a storm; 0 never brakes.
  ///   - action: what is done with the line then; times in milliseconds.
  public init(limit: UInt32 = 1000, action: Action = .backOff(first: 10, longest: 1000)) {
    self.limit = limit
    self.action = action
  }

  /// 1,000 in a row, then a pause of 10 ms that grows to 1 s.
  public static let standard = StormPolicy()
  /// Never brakes.
  public static let off = StormPolicy(limit: 0)
}
