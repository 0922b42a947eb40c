// What the daemon shows who runs it in a terminal: a record per device and second.
import CUIO
import InterruptSync

/// Prints statistics with the rates since the last time.
final class StatusPrinter {
  private let isJSON: Bool
  private var lastCounts: [String: UInt64] = [:]
  private let started = cuio_nanoseconds()
  private var last = cuio_nanoseconds()

  init(isJSON: Bool) { self.isJSON = isJSON }

  /// The next rates are those of the whole run.
  func beginAgain() {
    lastCounts = [:]
    last = started
  }

  func print(_ records: [(String, String, InterruptStatistics)]) {
    let now = cuio_nanoseconds()
    let seconds = max(Double(now - last) / 1e9, 0.001)
    last = now
    for (name, state, statistics) in records {
      let before = lastCounts.updateValue(statistics.interrupts, forKey: name) ?? 0
      let rate = Double(statistics.interrupts - min(before, statistics.interrupts)) / seconds
      let record = StatusRecord(
        device: name, state: state, statistics: statistics, rate: rate)
      Console.out(isJSON ? record.json : record.line)
    }
  }
}
