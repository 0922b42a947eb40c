// How long the next spin may take. Times in ticks of cuio_clock.h.
import CUIO

/// What a dispatcher's thread has learned about reading on instead of sleeping. Only that thread
/// uses it.
struct WaitPacer {
  /// The longest spin; 0 never spins.
  let full: UInt64
  /// What a wake-up costs.
  let wakeCost: UInt64
  /// Spins in vain shorten the next one.
  let decays: Bool
  /// Ticks after which a spin lets others run; 0 never.
  let yieldAfter: UInt64
  /// The next spin.
  private(set) var budget: UInt64

  static let block = WaitPacer(full: 0, wakeCost: 0, decays: false)

  init(full: UInt64, wakeCost: UInt64, decays: Bool, yieldAfter: UInt64 = 0) {
    self.full = full
    self.wakeCost = wakeCost
    self.decays = decays
    self.yieldAfter = yieldAfter
    budget = full
  }

  /// Measures what it needs to know, on the thread that will wait.
  init(_ decision: WaitConditions.Decision, isRealTime: Bool) {
    switch decision {
    case .block: self = .block
    case .adaptive(let budget):
      let cost = WakeCost.current(isRealTime: isRealTime)
      self.init(
        full: cuio_nanoseconds_to_ticks(budget ?? WakeCost.budget(cost)),
        wakeCost: cuio_nanoseconds_to_ticks(cost),
        decays: true)
    case .poll(let idle):
      self.init(
        full: cuio_nanoseconds_to_ticks(idle), wakeCost: 0, decays: false,
        yieldAfter: cuio_nanoseconds_to_ticks(50_000))
    }
  }

  /// A spin met an interrupt.
  mutating func found() { budget = full }

  /// A spin met none: half as long next time, and after five of them not at all.
  mutating func foundNothing() {
    guard decays else { return }
    let half = budget / 2
    budget = half < full / 16 ? 0 : half
  }

  /// An interrupt ended a sleep of `ticks`: one that a whole budget would have met shows that
  /// spinning is worth while again.
  mutating func slept(_ ticks: UInt64) {
    if ticks <= full &+ wakeCost { budget = full }
  }
}
