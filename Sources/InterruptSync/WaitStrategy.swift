/// How a dispatcher's thread waits when it has read the count and there is no interrupt.
///
/// Every strategy ends in sleep: none spins without limit, and none keeps `disconnect()` waiting.
/// [docs/performance.md](docs/performance.md) has what each costs and gives.
public enum WaitStrategy: Equatable, Sendable {
  /// `adaptive` where that is safe, else `block`: safe is more than one processor for the thread
  /// and, where interrupts reach it through a thread of the kernel's (since Linux 6.10, or with
  /// `threadirqs` or PREEMPT_RT), a priority below that thread's (facts 53, 54).
  case automatic
  /// Sleeps at once. An interrupt costs a wake-up; the processor is free.
  case block
  /// Reads on for up to `budget` nanoseconds (at most 1 ms), and then sleeps. Nil takes twice what a
  /// wake-up costs on this machine, measured once, within 20 and 50 µs: reading on then never costs
  /// more than a few times the best that could be done. Where it finds nothing the budget is halved and
  /// soon nothing; an interrupt that a whole budget would have met restores it.
  case adaptive(budget: UInt64? = nil)
  /// Reads on until nothing has come for `idle` nanoseconds (at most 100 ms), and then sleeps until
  /// the next interrupt. Every 50 µs it lets threads of its own priority run. For a processor of
  /// its own.
  case poll(idle: UInt64 = 1_000_000)
}
