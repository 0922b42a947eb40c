/// How long after each match the service routine read the counter.
struct Latencies: Sendable {
  /// In ticks of the main counter.
  private(set) var ticks: [Int64] = []
  /// Periods without an interrupt of their own: they came while an earlier one was being served.
  private(set) var missed = 0
  private let periods: Int

  /// Has room for one of each period, so that the service routine allocates nothing.
  init(periods: Int) {
    self.periods = periods
    ticks.reserveCapacity(periods)
  }

  var isComplete: Bool { ticks.count + missed >= periods }

  /// An interrupt for a match `latency` ticks ago, and `passed` matches since the last interrupt.
  mutating func add(_ latency: Int64, passed: Int) {
    guard !isComplete else { return }
    ticks.append(latency)
    missed += passed - 1
  }
}
