package import InterruptSync

/// What is known of one device over restarts of the daemon.
package struct DeviceTotals: Equatable, Sendable {
  /// Stable id.
  package var id: String
  /// The kernel's count up to which `statistics.interrupts` goes, modulo 2^32. Means something for
  /// the descriptor that counted it only.
  package var count: UInt32
  /// Without figures per routine and without the longest wait.
  package var statistics: InterruptStatistics

  package init(id: String, count: UInt32, statistics: InterruptStatistics) {
    self.id = id
    self.count = count
    self.statistics = statistics
  }

  /// In the order of the file, which is fixed by its version.
  static var fields: [WritableKeyPath<InterruptStatistics, UInt64>] {
    [
      \.interrupts, \.dispatches, \.coalesced, \.claimed, \.unclaimed, \.passes, \.rearmFailures,
      \.storms, \.repeatLimits, \.synchronizedCalls, \.refusedCalls,
      \.longestHoldNanoseconds,
    ]
  }
}
