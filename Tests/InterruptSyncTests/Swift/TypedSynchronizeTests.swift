@testable import InterruptSync
import Testing

private struct Ring {
  var produced = 0
  var consumed = 0
  var log: Log?
}

private final class Log { var lines: [String] = [] }

private enum Underrun: Error { case empty }

@Suite struct TypedSynchronizeTests {
  private func makeSync() throws -> Interrupt<Ring> {
    Interrupt(Ring(), source: try SoftwareLine(), mode: .all)
  }

  @Test func givesBackWhatTheBodyReturns() throws {
    let sync = try makeSync()
    try sync.synchronize { $0.produced += 2 }
    #expect(try sync.synchronize { $0.produced } == 2)
    #expect(sync.statistics().synchronizedCalls == 2)
  }

  @Test func givesBackNoncopyableResults() throws {
    struct Ticket: ~Copyable, Sendable { let number: Int }
    let sync = try makeSync()
    let ticket = try sync.synchronize { ring in Ticket(number: ring.produced + 7) }
    #expect(ticket.number == 7)
  }

  @Test func bodysOwnErrorArrivesTyped() throws {
    let sync = try makeSync()
    #expect(throws: SynchronizeError<Underrun>.body(.empty)) {
      try sync.synchronize { (ring: inout sending Ring) throws(Underrun) -> Int in
        guard ring.produced > ring.consumed else { throw .empty }
        return ring.produced - ring.consumed
      }
    }
    #expect(!sync.lock.isHeldByCaller)
    #expect(InterruptLevel.current == .passive)
  }

  @Test func N4_nestedCallIsRefusedAndDoesNotRun() throws {
    let sync = try makeSync()
    let code = try sync.synchronize { _ -> InterruptSyncError.Code? in
      do throws(InterruptSyncError) {
        try sync.synchronize { $0.produced = 99 }
        return nil
      } catch { return error.code }
    }
    #expect(code == .wouldDeadlock)
    #expect(try sync.synchronize { $0.produced } == 0)
    #expect(sync.statistics().refusedCalls == 1)
  }

  @Test func N4_nestedThrowingCallIsRefusedApartFromTheBodysErrors() throws {
    let sync = try makeSync()
    let isRefused = try sync.synchronize { _ -> Bool in
      do throws(SynchronizeError<Underrun>) {
        try sync.synchronize { (_: inout sending Ring) throws(Underrun) in throw .empty }
        return false
      } catch {
        guard case .refused(let refusal) = error else { return false }
        return refusal.code == .wouldDeadlock
      }
    }
    #expect(isRefused)
  }

  @Test func N4_callFromAServiceRoutineIsRefused() throws {
    let line = try SoftwareLine()
    let sync = Interrupt(Optional<InterruptSyncError.Code>.none, source: line, mode: .all)
    try sync.register { [weak sync] code in
      do throws(InterruptSyncError) { _ = try sync?.synchronize { $0 != nil } } catch {
        code = error.code
      }
      return .claimed
    }
    try sync.connect()
    line.trigger()
    awaitDispatches(1, of: sync.object)
    try sync.disconnect()
    #expect(try sync.synchronize { $0 } == .wouldDeadlock)
  }

  @Test func valueIsMovedIn() throws {
    let sync = try makeSync()
    let log = Log()
    log.lines.append("before")
    try sync.synchronize(sending: log) { ring, log in
      log.lines.append("inside")
      ring.log = log
    }
    #expect(try sync.synchronize { $0.log?.lines } == ["before", "inside"])
  }

  @Test func noncopyableValueIsMovedIn() throws {
    struct Buffer: ~Copyable { var bytes: [UInt8] }
    let sync = try makeSync()
    let count = try sync.synchronize(sending: Buffer(bytes: [1, 2, 3])) { ring, buffer in
      ring.produced += buffer.bytes.count
      return ring.produced
    }
    #expect(count == 3)
  }

  @Test func P31_bodiesAndRoutinesExcludeEachOther() throws {
    struct Inside { var depth = 0, overlaps = 0, calls = 0 }
    let line = try SoftwareLine()
    let sync = Interrupt(Inside(), source: line, mode: .all)
    let visit: @Sendable (inout Inside) -> Void = { inside in
      inside.depth += 1
      if inside.depth != 1 { inside.overlaps += 1 }
      inside.calls += 1
      inside.depth -= 1
    }
    try sync.register { inside in
      visit(&inside)
      return .claimed
    }
    try sync.connect()
    let done = EdgeSignal()
    for _ in 0..<2 {
      let caller = AsyncWorker(name: "caller")
      try caller.start()
      caller.enqueue {
        for _ in 0..<2000 { try? sync.synchronize { visit(&$0) } }
        done.raise()
      }
    }
    for _ in 0..<500 { line.trigger() }
    done.wait(2)
    try sync.disconnect()
    let dispatches = Int(sync.statistics().dispatches)
    let inside = try sync.synchronize { ($0.overlaps, $0.calls) }
    #expect(inside == (0, 4000 + dispatches))
  }

  @Test func asyncFormGivesBackResultsAndTypedErrors() async throws {
    let sync = try makeSync()
    let produced = try await sync.synchronize { ring in
      ring.produced += 5
      return ring.produced
    }
    #expect(produced == 5)
    await #expect(throws: SynchronizeError<Underrun>.body(.empty)) {
      try await sync.synchronize { (_: inout sending Ring) throws(Underrun) -> Int in
        throw .empty
      }
    }
  }

  @Test func asyncFormWaitsOutARoutineWithoutAPoolThread() async throws {
    let line = try SoftwareLine()
    let sync = Interrupt(0, source: line, mode: .all)
    let entered = EdgeSignal()
    let leave = EdgeSignal()
    try sync.register { count in
      entered.raise()
      leave.wait()
      count = 1
      return .claimed
    }
    try sync.connect()
    line.trigger()
    entered.wait()
    async let seen = sync.synchronize { count in count }
    leave.raise()
    #expect(try await seen == 1)
    try sync.disconnect()
  }
}
