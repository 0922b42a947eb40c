import InterruptSync
import Testing

@Suite(.timeLimit(.minutes(2))) struct InterruptEventsTests {
  private func makeSync(
    _ line: SoftwareLine, _ answer: Disposition = .claimed
  ) throws -> Interrupt<Int> {
    let sync = Interrupt(
      0, source: line, mode: .all, options: InterruptSyncOptions(storm: .off))
    try sync.register { count in
      count += 1
      return answer
    }
    return sync
  }

  /// Raises `count` interrupts and waits for the dispatch to be over.
  private func fire(_ line: SoftwareLine, _ sync: Interrupt<Int>, _ count: UInt64 = 1) throws {
    let before = sync.object.dispatchCount
    line.trigger(count)
    awaitDispatches(before + 1, of: sync.object)
    try sync.synchronize { _ in }
  }

  @Test func eventSaysCountTotalTimeAndClaim() async throws {
    let line = try SoftwareLine()
    let sync = try makeSync(line)
    let events = try sync.interrupts()
    try sync.connect()
    try fire(line, sync, 3)
    try fire(line, sync)
    var iterator = events.makeAsyncIterator()
    let first = try #require(await iterator.next())
    let second = try #require(await iterator.next())
    #expect((first.count, first.total, first.isClaimed, first.dropped) == (3, 3, true, 0))
    #expect((second.count, second.total) == (1, 4))
    #expect(first.nanoseconds <= second.nanoseconds)
  }

  @Test func eventSaysThatNobodyClaimed() async throws {
    let line = try SoftwareLine()
    let sync = try makeSync(line, .notMine)
    var events = try sync.interrupts().makeAsyncIterator()
    try sync.connect()
    line.trigger()
    #expect(try #require(await events.next()).isClaimed == false)
  }

  @Test func waitingTaskIsWoken() async throws {
    let line = try SoftwareLine()
    let sync = try makeSync(line)
    // Room for every dispatch there can be: a watcher that comes late must not miss the last one.
    let events = try sync.interrupts(bufferingOldest: 1024)
    try sync.connect()
    let watcher = Task { await events.first { $0.total >= 200 }?.total }
    while sync.statistics().interrupts < 200 { line.trigger() }
    #expect(try #require(await watcher.value) >= 200)
  }

  @Test func fullBufferDropsTheNewestAndCountsThem() async throws {
    let line = try SoftwareLine()
    let sync = try makeSync(line)
    let events = try sync.interrupts(bufferingOldest: 4)
    try sync.connect()
    for _ in 0..<7 { try fire(line, sync) }
    try eventually("three drops") { events.dropped == 3 }
    var iterator = events.makeAsyncIterator()
    for total in 1...4 { #expect(await iterator.next()?.total == UInt64(total)) }
    try fire(line, sync)
    let next = try #require(await iterator.next())
    #expect((next.total, next.dropped) == (8, 3))
  }

  @Test func eachWatcherGetsAllEvents() async throws {
    let line = try SoftwareLine()
    let sync = try makeSync(line)
    var first = try sync.interrupts().makeAsyncIterator()
    var second = try sync.interrupts().makeAsyncIterator()
    try sync.connect()
    line.trigger(5)
    #expect(await first.next()?.total == 5)
    #expect(await second.next()?.total == 5)
  }

  @Test func N13_sequenceGoesOnOverAReconnect() async throws {
    let line = try SoftwareLine()
    let sync = try makeSync(line)
    var events = try sync.interrupts().makeAsyncIterator()
    try sync.connect()
    line.trigger()
    #expect(await events.next()?.total == 1)
    try sync.disconnect()
    try sync.connect()
    line.trigger()
    #expect(await events.next()?.total == 2)
  }

  @Test func releaseOfTheObjectEndsTheSequenceAfterWhatIsBuffered() async throws {
    let line = try SoftwareLine()
    var sync = Optional(try makeSync(line))
    let events = try #require(try sync?.interrupts())
    try sync?.connect()
    if let sync { try fire(line, sync) }
    sync = nil
    var totals: [UInt64] = []
    for await event in events { totals.append(event.total) }
    #expect(totals == [1])
  }

  @Test func releaseOfTheObjectEndsAWait() async throws {
    var sync = Optional(try makeSync(try SoftwareLine()))
    let events = try #require(try sync?.interrupts())
    let watcher = Task { await events.first { _ in true } }
    sync = nil
    #expect(await watcher.value == nil)
  }

  @Test func cancellationEndsAWait() async throws {
    let sync = try makeSync(try SoftwareLine())
    let events = try sync.interrupts()
    let watcher = Task { await events.first { _ in true } }
    watcher.cancel()
    #expect(await watcher.value == nil)
    let late = Task {
      withUnsafeCurrentTask { unsafe $0?.cancel() }
      return await events.first { _ in true }
    }
    #expect(await late.value == nil)
  }

  @Test func sequencesComeAndGoWhileInterruptsFire() async throws {
    let line = try SoftwareLine()
    let sync = try makeSync(line)
    try sync.connect()
    for _ in 0..<20 {
      let first = try sync.interrupts()
      let second = try sync.interrupts()
      line.trigger()
      _ = (first.dropped, second.dropped)
    }
    var last = try sync.interrupts().makeAsyncIterator()
    line.trigger()
    #expect(await last.next() != nil)
  }

  @Test func impossibleBuffersAreRefused() throws {
    let sync = try makeSync(try SoftwareLine())
    for capacity in [0, -1, 65537] {
      #expect(throws: InterruptSyncError.self) { try sync.interrupts(bufferingOldest: capacity) }
    }
  }

  @Test func N4_watchingFromARoutineIsRefused() throws {
    let sync = try makeSync(try SoftwareLine())
    let code = try sync.synchronize { _ -> InterruptSyncError.Code? in
      do throws(InterruptSyncError) {
        _ = try sync.interrupts()
        return nil
      } catch { return error.code }
    }
    #expect(code == .wouldDeadlock)
  }
}
