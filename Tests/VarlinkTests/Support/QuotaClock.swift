// A quota's clock that moves only when a test says so: the tests of shares hold beside any load.
import LinuxSystem

@testable import Varlink

/// Time and processor time as a test counts them.
final class QuotaClock {
  private(set) var now: UInt64 = 1
  /// Passes with each look at the time, as it does when the thread is preempted.
  var drift: UInt64 = 0
  private var used: UInt64 = 0
  private var alarms: [(time: UInt64, body: () -> Void)] = []

  var clock: CPUQuota.Clock {
    CPUQuota.Clock(
      now: { [unowned self] in
        now += drift
        return now
      }, used: { [unowned self] in used },
      after: { [unowned self] in alarms.append((now + $0.nanoseconds, $1)) })
  }

  /// The thread uses a processor for so long.
  func use(_ nanoseconds: UInt64) {
    now += nanoseconds
    used += nanoseconds
  }

  /// Nothing happens until the next alarm, which then goes off. False when there is none.
  func skipToAlarm() -> Bool {
    guard let next = alarms.indices.min(by: { alarms[$0].time < alarms[$1].time }) else {
      return false
    }
    let alarm = alarms.remove(at: next)
    now = max(now, alarm.time)
    alarm.body()
    return true
  }
}
