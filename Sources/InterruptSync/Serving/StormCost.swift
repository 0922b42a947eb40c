// Room Serving: what a line costs, claimed or not, and whether that is too much. A device that is
// claimed and never silenced takes a processor for as long as it is connected. A value in
// Connection: Connection+Cost asks it on the serving thread, once in `turns` dispatches (1 to 128)
// and after each while a line is suspected, at PASSIVE_LEVEL after a re-arm and without a lock.
import CUIO
import LinuxSystem

/// Windows of 50 ms that cost too much make a line suspicious.
struct StormCost {
  /// Dispatches from look to look at most: so many that a line that never rests does not feel the
  /// looks.
  static let mostTurns: UInt32 = 128
  /// Dispatches a second below which a line is not judged, whatever `StormPolicy.limit` is.
  static let leastRate: UInt64 = 250
  /// Hundredths of a processor, unless the policy says how many.
  static let usualShare: UInt8 = 30
  /// After a pause, how long a line that does not say is looked at before it is masked again.
  static let probation: UInt64 = 20_000_000

  /// How the serving thread stands at one moment. Times in nanoseconds.
  struct Reading {
    var now: UInt64 = 0
    /// Processor time of the thread.
    var used: UInt64 = 0
    /// Spent reading on, by the clock: longer than the processor time of it where the thread was
    /// kept from running.
    var spun: UInt64 = 0
    /// Spent asleep, which is what the line leaves to others, however short each time.
    var rested: UInt64 = 0
    /// Of the line, and of all lines of the thread.
    var dispatches: UInt64 = 0
    var all: UInt64 = 0
  }

  private let window: UInt64
  private let limit: UInt8
  private var start: Reading?
  private var windows = 0
  /// Dispatches until the next look: some looks in each window.
  private(set) var turns: UInt32 = 16
  /// Of the last window: dispatches a second, and hundredths of a processor.
  private(set) var rate: UInt64 = 0
  private(set) var share: UInt64 = 0

  init(_ policy: StormPolicy) {
    window = policy.window
    limit = policy.share ?? Self.usualShare
  }

  /// Whether lines are judged at all.
  var isJudging: Bool { limit != 0 }

  /// Of the last windows most cost too much.
  var isSuspicious: Bool { windows > 0 }

  /// A quarter of a second has, at least: whether the device is ever silent is worth a thread's look.
  var isWorthAWatch: Bool { windows >= 5 }

  /// Two seconds on end have.
  var isLasting: Bool { windows > 40 }

  /// Whether a window is over, so that a whole reading is worth its cost.
  func isDue(_ now: UInt64) -> Bool { start.map { now - $0.now >= window } ?? true }

  /// Forgets all windows.
  mutating func restart() {
    start = nil
    windows = 0
  }

  /// Takes the reading at the end of a window.
  ///
  /// - Parameter says: whether the line says if it is asserted.
  mutating func take(_ reading: Reading, says: Bool) {
    guard let start else {
      start = reading
      return
    }
    guard reading.now - start.now >= window else { return }
    self.start = reading
    if costsTooMuch(start, reading, says) {
      windows += 1
    } else {
      // What decides of a line that says is the device. On a machine that is short of processors the
      // thread may not run for a whole window.
      windows = says ? max(windows - 1, 0) : 0
    }
  }

  private mutating func costsTooMuch(_ start: Reading, _ end: Reading, _ says: Bool) -> Bool {
    let time = end.now - start.now
    let dispatches = end.dispatches &- start.dispatches
    rate = Self.part(dispatches, of: time, by: 1_000_000_000)
    turns = UInt32(min(max(rate / 80, 1), UInt64(Self.mostTurns)))
    // Reading on is the thread's choice, and costs nothing that a device is to blame for; unless the
    // device is known to be.
    let spun = says ? 0 : end.spun &- start.spun
    let used = end.used - min(start.used, end.used)
    let all = max(end.all &- start.all, 1)
    share = Self.part(Self.part(used - min(spun, used), of: all, by: dispatches), of: time, by: 100)
    guard rate >= Self.leastRate, share >= UInt64(limit) else { return false }
    return says || (end.rested &- start.rested) <= time / 10
  }

  /// `value * factor / whole`, at most `UInt64.max`.
  private static func part(_ value: UInt64, of whole: UInt64, by factor: UInt64) -> UInt64 {
    let (high, low) = value.multipliedFullWidth(by: factor)
    return high < whole ? whole.dividingFullWidth((high, low)).quotient : .max
  }

  // MARK: After a pause

  /// Whether a line that does not say, and was re-armed after a pause at `start`, must be masked
  /// again; nil: not known yet.
  func mustBrake(_ start: Reading, _ end: Reading) -> Bool? {
    let time = end.now - start.now
    guard time >= min(Self.probation, window) else { return nil }
    let rate = Self.part(end.dispatches &- start.dispatches, of: time, by: 1_000_000_000)
    return rate >= Self.leastRate && end.rested &- start.rested <= time / 10
  }
}
