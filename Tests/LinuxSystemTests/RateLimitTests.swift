// How often one thing may be said.
import Testing

@testable import LinuxSystem

@Test func aLimitCountsWhatItDoesNotPassAndTellsItOnce() {
  var limit = RateLimit<String>(burst: 2, interval: 100)
  #expect((0..<5).map { limit.admits("a", now: $0) } == [true, true, false, false, false])
  #expect(limit.admits("b", now: 50))
  #expect(limit.expire(now: 99).isEmpty)
  let over = limit.expire(now: 100)
  #expect(over.map(\.subject) == ["a"] && over.map(\.suppressed) == [3])
  #expect(limit.admits("a", now: 101))
  #expect(limit.expire(now: 150).isEmpty)
}

/// Two threads read the clock and come in the opposite order.
@Test func aLimitTakesTimesThatAreOutOfOrder() {
  var limit = RateLimit<String>(burst: 1, interval: 100)
  #expect(limit.admits("a", now: 1000))
  #expect(limit.expire(now: 900).isEmpty)
  #expect(!limit.admits("a", now: 900))
  #expect(limit.expire(now: 1100).map(\.suppressed) == [1])
}
