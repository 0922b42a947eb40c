// Systemd room. When to feed the service manager's watchdog: only if every dispatcher made
// progress. Service collects the beats, ServiceManagerBridge asks with them when the watchdog is
// due. A value without a clock of its own; control thread, no lock.

/// Compares the dispatchers' heartbeats from one check to the next.
package struct Watchdog {
  /// Nanoseconds between two checks: half of the manager's period.
  package let interval: UInt64
  /// Nanoseconds that a dispatcher may make no progress. An idle one wakes once a second.
  private let timeout: UInt64
  private var seen: [String: (beat: UInt64, since: UInt64)] = [:]
  private var stalled: Set<String> = []

  /// What a check found.
  package enum Finding: Equatable {
    case healthy
    /// Do not feed; `new` are the dispatchers that were not stalled at the previous check.
    case stalled(new: [String])
  }

  /// - Returns: nil if no watchdog waits for this process.
  package init?(_ environment: ServiceEnvironment) {
    guard let period = environment["WATCHDOG_USEC"].flatMap({ UInt64($0) }), period > 0,
      period < .max / 1000
    else { return nil }
    // Without WATCHDOG_PID the variable is for any process that reads it.
    if let process = environment["WATCHDOG_PID"], process != "\(environment.process)" { return nil }
    interval = max(period * 1000 / 2, 1)
    timeout = max(interval, 3_000_000_000)
  }

  /// Compares the heartbeats of all connected dispatchers, at `now` in nanoseconds.
  package mutating func check(_ beats: [String: UInt64], now: UInt64) -> Finding {
    seen = seen.filter { beats[$0.key] != nil }
    var late: Set<String> = []
    for (name, beat) in beats {
      if let last = seen[name], last.beat == beat {
        if now - last.since >= timeout { late.insert(name) }
      } else {
        seen[name] = (beat, now)
      }
    }
    defer { stalled = late }
    return late.isEmpty ? .healthy : .stalled(new: late.subtracting(stalled).sorted())
  }
}
