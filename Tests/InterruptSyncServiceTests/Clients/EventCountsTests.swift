// What a stream of events reports of a record, while the device's counts may already be ahead of it.
import TestSupport
import Testing

@testable import InterruptSyncService

@Suite struct EventCountsTests {
  private static let none = EventCounts(interrupts: 0, dispatches: 0)

  @Test func recordThatTheCountsAreAheadOfLeavesTheLaterInterruptToItsOwnRecord() throws {
    var counts = Self.none
    // The second interrupt has been dispatched, and its record has not come yet.
    let ahead = EventCounts(interrupts: 2, dispatches: 2)
    let first = try #require(counts.news(of: 1, ahead))
    #expect(first == EventCounts(interrupts: 1, dispatches: 1))
    counts += first
    #expect(counts.news(of: 2, ahead) == EventCounts(interrupts: 1, dispatches: 1))
  }

  @Test func recordIsReportedOnce() throws {
    var counts = EventCounts(interrupts: 7, dispatches: 5)
    let now = EventCounts(interrupts: 9, dispatches: 6)
    counts += try #require(counts.news(of: 9, now))
    #expect(counts == now)
    #expect(counts.news(of: 9, now) == nil)
  }

  @Test func recordFromBeforeTheStreamIsNone() {
    let begun = EventCounts(interrupts: 5, dispatches: 5)
    #expect(begun.news(of: 4, begun) == nil)
  }

  @Test func everyInterruptAndDispatchIsReportedHoweverFarTheCountsAreAhead() {
    var generator = SeededGenerator()
    for _ in 1...1000 {
      var (counts, now) = (Self.none, Self.none)
      var totals: [UInt64] = []
      for _ in 1...Int.random(in: 1...20, using: &generator) {
        now += EventCounts(interrupts: .random(in: 1...3, using: &generator), dispatches: 1)
        totals.append(now.interrupts)
        // A record replaces the ones that were not taken; it comes late, or at once.
        guard Bool.random(using: &generator), let late = totals.randomElement(using: &generator)
        else { continue }
        if let new = counts.news(of: late, now) { counts += new }
      }
      if let new = counts.news(of: now.interrupts, now) { counts += new }
      #expect(counts == now)
    }
  }
}
