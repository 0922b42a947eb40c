import CUIO
import Synchronization

/// What it costs on this machine that a thread sleeps: measured once for threads of the ordinary
/// policy and once for real-time threads, by the first that wants to know.
enum WakeCost {
  private static let ordinary = Atomic<UInt64>(0)
  private static let realTime = Atomic<UInt64>(0)
  /// A budget beyond it would be felt by others, whatever a wake-up costs.
  static let longest: UInt64 = 50_000
  private static let shortest: UInt64 = 2_000

  /// How long to read on when nobody has said: twice what a wake-up costs, within 20 and 50 µs. As
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
