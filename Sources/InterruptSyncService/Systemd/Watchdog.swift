/// Decides whether the service manager's watchdog may be fed: only when every dispatcher made
/// progress.
package struct Watchdog {
  /// Nanoseconds between two looks: half of what the manager waits.
  package let interval: UInt64
  /// How long a dispatcher may be without progress. One that has nothing to do wakes once a second.
  private let patience: UInt64
  private var seen: [String: (beat: UInt64, since: UInt64)] = [:]
  private var stalled: Set<String> = []

  /// What a look found.
  package enum Finding: Equatable {
    case healthy
    /// No food; `new` are the dispatchers that were not stalled at the look before.
    case stalled(new: [String])
  }

  /// - Returns: nil when no watchdog waits for this process.
  package init?(_ environment: ServiceEnvironment) {
    guard let period = environment["WATCHDOG_USEC"].flatMap({ UInt64($0) }), period > 0,
      period < .max / 1000
    else { return nil }
    // Without WATCHDOG_PID it is for whoever reads it.
    if let process = environment["WATCHDOG_PID"], process != "\(environment.process)" { return nil }
    interval = max(period * 1000 / 2, 1)
    patience = max(interval, 3_000_000_000)
  }

  /// Looks at the heartbeats of all connected dispatchers, at `now` in nanoseconds.
  package mutating func look(at beats: [String: UInt64], now: UInt64) -> Finding {
    seen = seen.filter { beats[$0.key] != nil }
    var late: Set<String> = []
    for (name, beat) in beats {
      if let last = seen[name], last.beat == beat {
        if now - last.since >= patience { late.insert(name) }
      } else {
        seen[name] = (beat, now)
      }
    }
    defer { stalled = late }
    return late.isEmpty ? .healthy : .stalled(new: late.subtracting(stalled).sorted())
  }
}
