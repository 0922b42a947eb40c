/// Lets a number of messages per device and interval pass and counts the rest: a storming device
/// must not fill the journal.
package struct RateLimit {
  private let burst: Int
  /// Nanoseconds.
  private let interval: UInt64
  private var windows: [String: Window] = [:]

  private struct Window {
    var start: UInt64
    var passed = 0
    var suppressed = 0
  }

  package init(burst: Int = 20, interval: UInt64 = 10_000_000_000) {
    self.burst = burst
    self.interval = interval
  }

  /// Whether a message about `device` may pass at `now`, in nanoseconds.
  package mutating func admits(_ device: String, now: UInt64) -> Bool {
    var window = windows[device] ?? Window(start: now)
    let admits = window.passed < burst
    if admits { window.passed += 1 } else { window.suppressed += 1 }
    windows[device] = window
    return admits
  }

  /// Ends the intervals that are over at `now`: how many messages each of their devices lost. To be
  /// called before `admits`, and now and then.
  package mutating func expire(now: UInt64) -> [(device: String, suppressed: Int)] {
    let over = windows.filter { now - $0.value.start >= interval }
    for device in over.keys { windows[device] = nil }
    return over.filter { $0.value.suppressed > 0 }.map { ($0.key, $0.value.suppressed) }
      .sorted { $0.device < $1.device }
  }
}
