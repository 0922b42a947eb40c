// Times by their length: what is counted, over which period, and where.
import CUIO
import Glibc
import LinuxSystem
import Testing
import TestSupport

@testable import InterruptSync

/// A line whose routine runs `body`, with histograms.
private func timed(
  _ line: SoftwareLine, group: DispatcherGroup? = nil, _ body: @escaping @Sendable () -> Void = {}
) throws -> InterruptSyncObject {
  let object = InterruptSyncObject(
    source: line, mode: .normal, options: InterruptSyncOptions(group: group, histograms: true))
  try object.registerServiceRoutine {
    body()
    return .success
  }
  return object
}

/// Triggers one interrupt after the other.
private func dispatch(_ line: SoftwareLine, _ object: InterruptSyncObject, _ count: UInt64) throws {
  let before = object.completed
  for number in 1...count {
    line.trigger()
    try object.awaitDispatches(before + number)
  }
  // The times of a dispatch follow its lock.
  try eventually("the times of \(before + count) dispatches") {
    object.histogram(of: .service)?.count == object.completed
  }
}

@Test(arguments: [false, true])
func everyDispatchIsInTheHistogramsOfServiceAndInterval(inGroup: Bool) throws {
  let line = try SoftwareLine()
  let object = try timed(line, group: inGroup ? try DispatcherGroup() : nil)
  try object.connect()
  try dispatch(line, object, 50)
  try object.disconnect()
  let service = try #require(object.histogram(of: .service))
  let interval = try #require(object.histogram(of: .interval))
  #expect(service.count == 50)
  #expect(interval.count == 49)
  #expect(object.histogram(of: .latency)?.count == 0)
  #expect(service.buckets.reduce(0) { $0 + $1.count } == 50)
  let longest = try #require(service.longest)
  #expect(longest >= object.statistics().longestHold)
  #expect(service.sum <= longest * 50)
}

@Test func aSlowDispatchIsInTheBucketOfItsTime() throws {
  let line = try SoftwareLine()
  let isSlow = Flag()
  let object = try timed(line) { if isSlow.isUp { usleep(30_000) } }
  try object.connect()
  try dispatch(line, object, 20)
  isSlow.raise()
  try dispatch(line, object, 1)
  isSlow.lower()
  try object.disconnect()
  let service = try #require(object.histogram(of: .service))
  let last = try #require(service.buckets.last)
  let hold = object.statistics().longestHold
  #expect(last.count == 1)
  #expect(last.lower <= hold && hold < last.upper + .microseconds(100))
  #expect(hold >= .milliseconds(29))
  // One slow dispatch of 21 moves neither the median nor the 90th percentile.
  #expect(try #require(service.percentile(90)) < .milliseconds(29))
  #expect(service.percentile(100) == service.longest)
}

@Test func aResetBeginsAPeriodAndTheStartGoesOn() throws {
  let line = try SoftwareLine()
  let isSlow = Flag()
  let object = try timed(line) { if isSlow.isUp { usleep(30_000) } }
  try object.connect()
  isSlow.raise()
  try dispatch(line, object, 2)
  isSlow.lower()
  #expect(object.histogram(of: .service, over: .reset)?.count == 2)
  object.resetHistograms()
  #expect(object.histogram(of: .service, over: .reset)?.count == 0)
  #expect(object.histogram(of: .service, over: .reset)?.sum == .zero)
  try dispatch(line, object, 5)
  let since = try #require(object.histogram(of: .service, over: .reset))
  #expect(since.count == 5)
  // The slow ones spoil it no longer.
  #expect(try #require(since.longest) < .milliseconds(29))
  #expect(object.histogram(of: .service, over: .start)?.count == 7)
  try object.disconnect()
}

@Test func aWindowIsBetweenTheLastTwoTurns() throws {
  let line = try SoftwareLine()
  let object = try timed(line)
  func window() -> UInt64? { object.histogram(of: .service, over: .window)?.count }
  try object.connect()
  #expect(window() == 0)
  try dispatch(line, object, 3)
  #expect(window() == 0)
  object.turnHistogramWindow()
  #expect(window() == 3)
  try dispatch(line, object, 2)
  #expect(window() == 3)
  object.turnHistogramWindow()
  #expect(window() == 2)
  object.turnHistogramWindow()
  #expect(window() == 0)
  object.resetHistograms()
  #expect(object.histogram(of: .service)?.count == 5)
  try object.disconnect()
}

@Test func aDisconnectEndsASeriesOfIntervals() throws {
  let line = try SoftwareLine()
  let object = try timed(line)
  for _ in 1...4 {
    try object.connect()
    try dispatch(line, object, 3)
    try object.disconnect()
  }
  #expect(object.histogram(of: .service)?.count == 12)
  #expect(object.histogram(of: .interval)?.count == 8)
}

@Test func histogramsThatAreNotKeptAreNil() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .normal)
  try object.registerServiceRoutine { .success }
  try object.connect()
  line.trigger()
  try object.awaitDispatches(1)
  #expect(object.histogram(of: .service) == nil)
  object.resetHistograms()
  object.turnHistogramWindow()
  #expect(object.storage.core.value.followers == 0)
  // From now on, while it is connected.
  object.keepHistograms()
  object.keepHistograms()
  line.trigger()
  try object.awaitDispatches(2)
  try eventually("one time") { object.histogram(of: .service)?.count == 1 }
  try object.disconnect()
}

@Test func aWaitForTheLockIsInItsHistogramAndAFreeLockIsNot() throws {
  let line = try SoftwareLine()
  let object = try timed(line)
  for _ in 1...10 { try object.callSynchronizedRoutine {} }
  #expect(object.histogram(of: .wait)?.count == 0)
  let holding = Flag()
  let over = Flag()
  let holder = try WorkerThread(name: "holder") {
    try? object.callSynchronizedRoutine {
      holding.raise()
      // Until another thread waits: the kernel says so in the lock's word.
      while !object.lock.hasWaiters { sched_yield() }
      usleep(2000)
    }
    over.raise()
  }
  try eventually("the lock held") { holding.isUp }
  try object.callSynchronizedRoutine {}
  holder.join()
  #expect(over.isUp)
  let wait = try #require(object.histogram(of: .wait))
  #expect(wait.count == 1)
  #expect(try #require(wait.longest) >= .milliseconds(2))
  #expect(try #require(wait.longest) >= object.lock.longestWait)
}

@Test func aLockThatIsMadeAgainHasNoWaitsOfTheOneBefore() throws {
  // Another test may be given the memory first: then once more.
  for _ in 1...1000 {
    var lock: InterruptLock? = InterruptLock()
    let raw = try #require(lock?.raw)
    lock?.keepWaits()
    cuio_histogram_add(try #require(cuio_lock_waits(raw)), 1000)
    #expect(lock?.waits.entries.count == 1)
    lock = nil
    let again = (0..<64).map { _ in InterruptLock() }.first { $0.raw == raw }
    guard let again else { continue }
    return #expect(again.waits.entries.isEmpty)
  }
  Issue.record("no lock's memory was used again")
}

@Test func whatARoutineSaysOfItsCauseIsTheLatency() throws {
  let line = try SoftwareLine()
  let cause = Guarded(Duration.zero)
  let told = Guarded<InterruptSyncObject?>(nil)
  let object = try timed(line) {
    let time = cause.withLock { $0 }
    if time > .zero { told.withLock { $0 }?.noteCause(at: time) }
  }
  told.withLock { $0 = object }
  try object.connect()
  try dispatch(line, object, 2)
  #expect(object.histogram(of: .latency)?.count == 0)
  cause.withLock { $0 = .nanoseconds(linux_nanoseconds()) - .milliseconds(40) }
  try dispatch(line, object, 1)
  cause.withLock { $0 = .zero }
  try dispatch(line, object, 2)
  let latency = try #require(object.histogram(of: .latency))
  #expect(latency.count == 1)
  #expect(try #require(latency.longest) >= .milliseconds(40))
  // Outside of a routine it means nothing.
  object.noteCause(at: .milliseconds(1))
  try dispatch(line, object, 1)
  #expect(object.histogram(of: .latency)?.count == 1)
  try object.disconnect()
  told.withLock { $0 = nil }
}

@Test func membersOfASharedLineCountTheirOwnTimes() throws {
  let line = try SoftwareLine()
  let shared = SharedLine(line)
  let slow = try timed(line) { usleep(5000) }
  let quick = try timed(line)
  for member in [slow, quick] { try shared.connect(member) }
  for number in 1...5 as ClosedRange<UInt64> {
    line.trigger()
    try slow.awaitDispatches(number)
    try quick.awaitDispatches(number)
  }
  for member in [slow, quick] {
    try eventually("five times") { member.histogram(of: .service)?.count == 5 }
    try shared.disconnect(member)
  }
  #expect(try #require(slow.histogram(of: .service)?.percentile(50)) >= .milliseconds(5))
  #expect(
    try #require(quick.histogram(of: .service)?.percentile(50))
      < #require(slow.histogram(of: .service)?.percentile(50)))
}

@Test func observersAndHistogramsFollowTheSameDispatches() throws {
  let line = try SoftwareLine()
  let interrupt = Interrupt(
    0, source: line, mode: .normal, options: InterruptSyncOptions(histograms: true))
  try interrupt.register { _ in .claimed }
  var events: InterruptEvents? = try interrupt.interrupts(bufferingOldest: 16)
  try interrupt.connect()
  try dispatch(line, interrupt.object, 4)
  withExtendedLifetime(events) {}
  events = nil
  try dispatch(line, interrupt.object, 4)
  #expect(interrupt.histogram(of: .service)?.count == 8)
  try interrupt.disconnect()
}

@Test func percentilesAreNeverTooShortAndTheBucketsAreNarrow() throws {
  var state: UInt64 = UInt64(getpid()) &* 0x9E37_79B9_7F4A_7C15
  print("seed \(state)")
  func random(below bound: UInt64) -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state % bound
  }
  let raw: UnsafeMutablePointer<cuio_histogram> = CacheLine.allocate()
  memset(raw, 0, MemoryLayout<cuio_histogram>.size)
  defer { CacheLine.deallocate(raw) }
  // Of every order of magnitude alike.
  let ticks = (0..<5000).map { _ in random(below: 1 << (4 + random(below: 40))) }
  for time in ticks { cuio_histogram_add(raw, time) }
  let histogram = HistogramCounts(raw).histogram
  let scale = Double(linux_ticks_to_nanoseconds(1 << 40)) / Double(UInt64(1) << 40)
  let sorted = ticks.map { Double($0) * scale }.sorted()
  for percent in [0, 1, 10, 25, 50, 75, 90, 99, 99.9, 100] {
    let rank = max(Int((percent / 100 * Double(ticks.count)).rounded(.up)), 1)
    let (exact, found) = (sorted[rank - 1], try #require(histogram.percentile(percent)))
    let nanoseconds = Double(found.inNanoseconds)
    // A nanosecond for rounding, and a thousandth for the rate of the counter, measured twice.
    #expect(nanoseconds >= exact * 0.999 - 1, "\(percent) %: \(found), \(exact)")
    #expect(nanoseconds <= exact * (1 + 2.0 / 15) * 1.001 + 2, "\(percent) %: \(found), \(exact)")
  }
  let sum = sorted.reduce(0, +)
  #expect(abs(Double(histogram.sum.inNanoseconds) - sum) <= sum / 1000 + 1)
  for (bucket, next) in zip(histogram.buckets, histogram.buckets.dropFirst()) {
    #expect(bucket.upper <= next.lower)
  }
}

@Test func anEmptyHistogramHasNoPercentiles() {
  let empty = HistogramCounts().histogram
  #expect(empty.count == 0)
  #expect(empty.percentile(50) == nil)
  #expect(empty.longest == nil)
  #expect(empty.sum == .zero)
}

@Test func percentilesOutsideOfTheScaleAreItsEnds() {
  let histogram = InterruptHistogram(
    buckets: [
      .init(lower: .nanoseconds(10), upper: .nanoseconds(11), count: 1),
      .init(lower: .nanoseconds(20), upper: .nanoseconds(22), count: 1),
    ], sum: .nanoseconds(30))
  #expect(histogram.percentile(-5) == .nanoseconds(11))
  #expect(histogram.percentile(50) == .nanoseconds(11))
  #expect(histogram.percentile(50.1) == .nanoseconds(22))
  #expect(histogram.percentile(200) == .nanoseconds(22))
  #expect(histogram.percentile(.nan) == nil)
}
