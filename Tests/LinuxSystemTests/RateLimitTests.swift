// How often one thing may be said.
import TestSupport
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

/// Against a list of every message.
@Test func aLimitEndsEachIntervalWhateverTheOthersDo() {
  var random = SeededGenerator(for: #function)
  for _ in 0..<repetitions(200) {
    var limit = RateLimit<Int>(burst: 2, interval: 100)
    var passed: [Int: (start: UInt64, count: Int)] = [:]
    var now: UInt64 = 0
    for _ in 0..<100 {
      now += UInt64.random(in: 0...60, using: &random)
      let over = passed.filter { now >= $0.value.start + 100 }
      let lost = over.mapValues { max($0.count - 2, 0) }.filter { $0.value > 0 }
      for subject in over.keys { passed[subject] = nil }
      let ended = limit.expire(now: now)
      #expect(Dictionary(uniqueKeysWithValues: ended.map { ($0, $1) }) == lost)
      let subject = Int.random(in: 0..<5, using: &random)
      passed[subject, default: (now, 0)].count += 1
      let admits = limit.admits(subject, now: now)
      #expect(admits == (passed[subject]?.count ?? 0 <= 2))
    }
  }
}
