// How often one thing may be said.
import Testing

@testable import LinuxSystem

@Test func aLimitCountsWhatItDoesNotPassAndTellsItOnce() {
  var limit = RateLimit<String>(burst: 2, interval: 100)
  let first = (0..<5).map { limit.admits("a", now: $0) }
  #expect(first == [true, true, false, false, false])
  let (other, early) = (limit.admits("b", now: 50), limit.expire(now: 99))
  #expect(other && early.isEmpty)
  let over = limit.expire(now: 100)
  #expect(over.map(\.subject) == ["a"] && over.map(\.suppressed) == [3])
  let (again, late) = (limit.admits("a", now: 101), limit.expire(now: 150))
  #expect(again && late.isEmpty)
}

/// Two threads read the clock and come in the opposite order.
@Test func aLimitTakesTimesThatAreOutOfOrder() {
  var limit = RateLimit<String>(burst: 1, interval: 100)
  let (first, early) = (limit.admits("a", now: 1000), limit.expire(now: 900))
  #expect(first && early.isEmpty)
  let second = limit.admits("a", now: 900)
  let over = limit.expire(now: 1100)
  #expect(!second && over.map(\.suppressed) == [1])
}
