import InterruptSync
import Testing

private struct Counts: Equatable { var order: [Int] = [] }

private struct Tick: ServiceRoutine, ~Copyable {
  let number: Int
  var calls = 0
  let destroyed: EdgeSignal?

  init(_ number: Int, destroyed: EdgeSignal? = nil) {
    self.number = number
    self.destroyed = destroyed
  }
  deinit { destroyed?.raise() }

  mutating func serve(_ state: inout Counts) -> Disposition {
    calls += 1
    state.order.append(number * 100 + calls)
    return .notMine
  }
}

private struct Owned: ~Copyable {
  var count = 0
  let destroyed: EdgeSignal
  deinit { destroyed.raise() }
}

@Suite struct TypedRegistrationTests {
  @Test func closureReachesTheStateAndClaims() throws {
    let line = try SoftwareLine()
    let sync = Interrupt(Counts(), source: line, mode: .normal)
    let first = try sync.register { counts in
      counts.order.append(1)
      return .claimed
    }
    let second = try sync.register { counts in
      counts.order.append(2)
      return .claimed
    }
    try sync.connect()
    line.trigger()
    awaitDispatches(1, of: sync.object)
    try sync.disconnect()
    #expect(try sync.synchronize { $0.order } == [1])
    #expect(first.statistics == ServiceRoutineStatistics(calls: 1, claims: 1))
    #expect(second.statistics.calls == 0)
  }

  @Test func P11_firstPutsAClosureAndAType_aheadOfTheOthers() throws {
    let line = try SoftwareLine()
    let sync = Interrupt(Counts(), source: line, mode: .all)
    try sync.register(Tick(1))
    try sync.register(first: true, Tick(2))
    try sync.register(first: true) { counts in
      counts.order.append(3)
      return .notMine
    }
    try sync.connect()
    line.trigger()
    awaitDispatches(1, of: sync.object)
    try sync.disconnect()
    #expect(try sync.synchronize { $0.order } == [3, 201, 101])
  }

  @Test func routineTypeKeepsItsOwnPropertiesBetweenInterrupts() throws {
    let line = try SoftwareLine()
    let sync = Interrupt(Counts(), source: line, mode: .all)
    try sync.register(Tick(1))
    try sync.connect()
    for count in 1...3 {
      line.trigger()
      awaitDispatches(UInt64(count), of: sync.object)
    }
    try sync.disconnect()
    #expect(try sync.synchronize { $0.order } == [101, 102, 103])
  }

  @Test func closureKeepsWhatItCaptures() throws {
    let line = try SoftwareLine()
    let sync = Interrupt(0, source: line, mode: .all)
    var seen = 0
    try sync.register { total in
      seen += 1
      total += seen
      return .claimed
    }
    try sync.connect()
    for count in 1...3 {
      line.trigger()
      awaitDispatches(UInt64(count), of: sync.object)
    }
    #expect(try sync.synchronize { $0 } == 6)
  }

  @Test func N8_cancelledRoutineIsNotCalledAgainAndIsDestroyed() throws {
    let line = try SoftwareLine()
    let destroyed = EdgeSignal()
    let sync = Interrupt(Counts(), source: line, mode: .all)
    var registration = Optional(try sync.register(Tick(1, destroyed: destroyed)))
    try sync.register(Tick(2))
    try sync.connect()
    registration?.cancel()
    registration = nil
    #expect(destroyed.value == 1)
    line.trigger()
    awaitDispatches(1, of: sync.object)
    try sync.disconnect()
    #expect(try sync.synchronize { $0.order } == [201])
  }

  @Test func N4_registeringUnderTheLockIsRefused() throws {
    let sync = Interrupt(0, source: try SoftwareLine(), mode: .all)
    let code = try sync.synchronize { _ -> InterruptSyncError.Code? in
      do throws(InterruptSyncError) {
        try sync.register { _ in .claimed }
        return nil
      } catch { return error.code }
    }
    #expect(code == .wouldDeadlock)
  }

  @Test func noncopyableStateIsServedAndDestroyedOnce() throws {
    let destroyed = EdgeSignal()
    do {
      let line = try SoftwareLine()
      let sync = Interrupt(Owned(destroyed: destroyed), source: line, mode: .all)
      try sync.register { owned in
        owned.count += 1
        return .claimed
      }
      try sync.connect()
      line.trigger()
      awaitDispatches(1, of: sync.object)
      #expect(try sync.synchronize { $0.count } == 1)
      #expect(destroyed.value == 0)
    }
    #expect(destroyed.value == 1)
  }

  @Test func registrationKeptInTheStateMakesNoCycle() throws {
    struct Own: ~Copyable {
      var registration: ServiceRoutineRegistration?
      let destroyed: EdgeSignal
      deinit { destroyed.raise() }
    }
    let destroyed = EdgeSignal()
    do {
      let sync = Interrupt(
        Own(destroyed: destroyed), source: try SoftwareLine(), mode: .all)
      let registration = try sync.register { _ in .claimed }
      try sync.synchronize { $0.registration = registration }
    }
    #expect(destroyed.value == 1)
  }

  @Test func N12_stateOutlivesALastReleaseInsideARoutine() throws {
    final class Keeper: @unchecked Sendable { var sync: Interrupt<Owned>? }
    let destroyed = EdgeSignal()
    let served = EdgeSignal()
    let keeper = Keeper()
    let line = try SoftwareLine()
    do {
      let sync = Interrupt(Owned(destroyed: destroyed), source: line, mode: .all)
      try sync.register { owned in
        keeper.sync = nil
        // The object is gone; the state must not be.
        owned.count += 1
        if owned.count == 1, destroyed.value == 0 { served.raise() }
        return .claimed
      }
      try sync.connect()
      keeper.sync = sync
    }
    line.trigger()
    served.wait()
    destroyed.wait()
    #expect(keeper.sync == nil)
  }
}
