// How often one thing may be said. Floor 1; the daemon's Journal and the reports of the Windows
// interfaces guard one with a monitor each, KeptAffinity of Serving has one for the thread that
// looks. A value, for any thread, without a lock of its own: its owner orders the threads, and
// hands in the time.

/// Passes a number of messages per subject and interval and counts the rest: neither a storming
/// device nor a client that is refused repeatedly can fill a log.
package struct RateLimit<Subject: Hashable & Sendable>: Sendable {
  private let burst: Int
  /// Nanoseconds.
  private let interval: UInt64
  private var windows: [Subject: Window] = [:]
  /// No window ends before, so that a message costs the same however many subjects there are.
  private var due = UInt64.max

  private struct Window {
    var start: UInt64
    var passed = 0
    var suppressed = 0
  }

  package init(burst: Int = 20, interval: UInt64 = 10_000_000_000) {
    self.burst = burst
    self.interval = interval
  }

  /// Whether a message about `subject` may pass at `now`, in nanoseconds.
  package mutating func admits(_ subject: Subject, now: UInt64) -> Bool {
    var window = windows[subject] ?? Window(start: now)
    let admits = window.passed < burst
    if admits { window.passed += 1 } else { window.suppressed += 1 }
    windows[subject] = window
    due = min(due, window.start + interval)
    return admits
  }

  /// Ends the intervals that are over at `now`, and returns how many messages each of their subjects
  /// lost, in no order. Call it before `admits`, and from time to time.
  package mutating func expire(now: UInt64) -> [(subject: Subject, suppressed: Int)] {
    guard now >= due else { return [] }
    // Another thread may have read the clock later and been here before.
    let over = windows.filter { now >= $0.value.start + interval }
    for subject in over.keys { windows[subject] = nil }
    due = windows.values.reduce(.max) { min($0, $1.start + interval) }
    return over.filter { $0.value.suppressed > 0 }.map { ($0.key, $0.value.suppressed) }
  }
}
