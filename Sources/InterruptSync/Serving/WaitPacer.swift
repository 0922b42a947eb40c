// Room Serving: how long the next spin may take, and what a wake-up costs, which decides it.
// DispatcherThread and GroupThread have one each. It is a value of the serving thread, which uses
// it at PASSIVE_LEVEL before it sleeps, without a lock. Times in ticks of linux_clock.h unless
// named otherwise.
import CUIO
import Synchronization

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
        full: linux_nanoseconds_to_ticks(budget ?? WakeCost.budget(cost)),
        wakeCost: linux_nanoseconds_to_ticks(cost),
        decays: true)
    case .poll(let idle):
      self.init(
        full: linux_nanoseconds_to_ticks(idle), wakeCost: 0, decays: false,
        yieldAfter: linux_nanoseconds_to_ticks(50_000))
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

/// What it costs on this machine that a thread sleeps: measured once for threads of the ordinary
/// policy and once for real-time threads, by the first that wants to know.
enum WakeCost {
  private static let ordinary = Atomic<UInt64>(0)
  private static let realTime = Atomic<UInt64>(0)
  /// A budget beyond it would be felt by others, whatever a wake-up costs.
  static let longest: UInt64 = 50_000
  private static let shortest: UInt64 = 2_000

  /// How long to read on by default: twice what a wake-up costs, within 20 and 50 µs. As
  /// long as the wake-up would never be more than twice as bad as the best, and misses every line
  /// whose interrupts are a little further apart than that.
  static func budget(_ cost: UInt64) -> UInt64 { min(max(2 * cost, 20_000), longest) }

  /// In nanoseconds, for the calling thread. May sleep for some hundred microseconds.
  static func current(isRealTime: Bool) -> UInt64 {
    isRealTime ? learned(realTime) : learned(ordinary)
  }

  private static func learned(_ known: borrowing Atomic<UInt64>) -> UInt64 {
    let before = known.load(ordering: .relaxed)
    if before != 0 { return before }
    let cost = min(max(cuio_wake_cost(7), shortest), longest)
    known.store(cost, ordering: .relaxed)
    return cost
  }
}
