// The timers of an event loop, by deadline, on one timerfd. Floor 1; EventLoop alone calls it, on
// the loop's thread (control, `vfio notices`) at PASSIVE_LEVEL, without a lock. A timer's body runs
// there, and must not wait.
import CLinuxSystem

/// Names one timer of a loop.
package struct LoopTimer: Hashable, Sendable {
  let number: UInt64
}

/// The loop's timers, on one timerfd that is armed for the next of them.
final class TimerQueue {
  private struct Entry {
    let timer: LoopTimer
    var deadline: UInt64
    /// Nanoseconds; 0 for a timer that fires once.
    let interval: UInt64
    let body: () -> Void
  }

  let descriptor: FileDescriptor
  /// By deadline.
  private var entries: [Entry] = []
  private var lastNumber: UInt64 = 0
  private var armed: UInt64 = 0

  init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }

  static var now: UInt64 { linux_nanoseconds() }

  func add(_ delay: Duration, repeats: Bool, _ body: @escaping () -> Void) -> LoopTimer {
    let nanoseconds = max(delay.nanoseconds, 1)
    lastNumber += 1
    let timer = LoopTimer(number: lastNumber)
    insert(
      Entry(
        timer: timer, deadline: Self.now.addingClamped(nanoseconds),
        interval: repeats ? nanoseconds : 0, body: body))
    arm()
    return timer
  }

  func remove(_ timer: LoopTimer) {
    entries.removeAll { $0.timer == timer }
    arm()
  }

  /// Runs what is due. Bodies may add and remove timers.
  func fire() {
    _ = linux_timer_read(descriptor.raw)
    armed = 0
    let now = Self.now
    while let due = entries.first, due.deadline <= now {
      entries.removeFirst()
      if due.interval > 0 {
        var next = due
        let missed = (now - due.deadline) / due.interval
        next.deadline = due.deadline.addingClamped((missed + 1) * due.interval)
        insert(next)
      }
      due.body()
    }
    arm()
  }

  private func insert(_ entry: Entry) {
    let place = entries.firstIndex { $0.deadline > entry.deadline } ?? entries.count
    entries.insert(entry, at: place)
  }

  private func arm() {
    let next = entries.first?.deadline ?? 0
    guard next != armed else { return }
    armed = next
    _ = linux_timer_arm(descriptor.raw, next)
  }
}

extension Duration {
  /// At least 0 and at most what UInt64 holds.
  package var nanoseconds: UInt64 {
    guard self > .zero else { return 0 }
    let (seconds, attoseconds) = components
    guard seconds < Int64.max / 1_000_000_000 else { return UInt64(Int64.max) }
    return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
  }
}

extension UInt64 {
  fileprivate func addingClamped(_ other: UInt64) -> UInt64 {
    // The kernel's seconds are signed.
    let (sum, hasOverflown) = addingReportingOverflow(other)
    return hasOverflown ? UInt64(Int64.max) : Swift.min(sum, UInt64(Int64.max))
  }
}
