// N8: taking a routine out of the list again, from wherever one may be.
import Testing
import TestSupport

@testable import InterruptSync

@Test func N8_aCancelledRoutineIsNotCalledAgain() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .all)
  let stays = try object.registerServiceRoutine { .success }
  let goes = try object.registerServiceRoutine { .success }
  try object.connect()
  line.trigger()
  try object.awaitDispatches(1)
  goes.cancel()
  goes.cancel()
  line.trigger()
  try object.awaitDispatches(2)
  try object.disconnect()
  #expect(stays.statistics.calls == 2)
  #expect(goes.statistics.calls == 1)
  #expect(object.statistics().routines == [stays.statistics])
}

@Test(arguments: 0..<3)
func N8_theOthersKeepTheirOrder(_ victim: Int) throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .all)
  let calls = Journal<Int>()
  let registrations = try (0..<3).map { index in
    try object.registerServiceRoutine {
      calls.entries.append(index)
      return .unsuccessful
    }
  }
  registrations[victim].cancel()
  try object.registerServiceRoutine {
    calls.entries.append(3)
    return .unsuccessful
  }
  try object.connect()
  line.trigger()
  try object.awaitDispatches(1)
  try object.disconnect()
  #expect(calls.entries == [0, 1, 2, 3].filter { $0 != victim })
}

@Test func N8_cancelWaitsForARoutineInProgress() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .all)
  let entered = Signal()
  let leave = Signal()
  let isInside = Flag()
  let registration = try object.registerServiceRoutine {
    isInside.raise()
    entered.raise()
    leave.take()
    isInside.lower()
    return .success
  }
  try object.connect()
  line.trigger()
  try entered.wait("the routine")
  let wasInside = Flag()
  let cancelling = Worker {
    registration.cancel()
    if isInside.isUp { wasInside.raise() }
  }
  try object.lock.awaitWaiter()
  leave.raise()
  try cancelling.join()
  #expect(!wasInside.isUp)
  line.trigger()
  try object.awaitDispatches(2)
  try object.disconnect()
  #expect(registration.statistics.calls == 1)
}

@Test func N8_aRoutineCancelsItself() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .repeat)
  let own = Holder<ServiceRoutineRegistration>()
  let registration = try object.registerServiceRoutine {
    own.value?.cancel()
    own.value?.cancel()
    return .success
  }
  own.value = registration
  // The routine refers to its holder.
  defer { own.value = nil }
  try object.registerServiceRoutine { .unsuccessful }
  try object.connect()
  line.trigger()
  try object.awaitDispatches(1)
  // The second pass of the same dispatch passes over it already.
  #expect(registration.statistics == ServiceRoutineStatistics(calls: 1, claims: 1))
  #expect(object.statistics().passes == 2)
  line.trigger()
  try object.awaitDispatches(2)
  #expect(registration.statistics.calls == 1)
  try object.disconnect()
  #expect(object.statistics().routines.count == 1)
}

@Test(arguments: [0, 2])
func N8_aRoutineCancelsItsNeighbour(_ victim: Int) throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .all)
  let neighbour = Holder<ServiceRoutineRegistration>()
  let registrations = try (0..<3).map { index in
    try object.registerServiceRoutine {
      if index == 1 { neighbour.value?.cancel() }
      return .unsuccessful
    }
  }
  neighbour.value = registrations[victim]
  defer { neighbour.value = nil }
  try object.connect()
  line.trigger()
  try object.awaitDispatches(1)
  // The one ahead had its call, the one behind is passed over in this very pass.
  #expect(registrations[victim].statistics.calls == (victim == 0 ? 1 : 0))
  line.trigger()
  try object.awaitDispatches(2)
  try object.disconnect()
  #expect(registrations[victim].statistics.calls == (victim == 0 ? 1 : 0))
  #expect(registrations[1].statistics.calls == 2)
  #expect(registrations[2 - victim].statistics.calls == 2)
}

@Test func N8_cancelledFromASynchronizedRoutine() throws {
  let object = InterruptSyncObject(source: try SoftwareLine(), mode: .all)
  let registration = try object.registerServiceRoutine { .success }
  try object.callSynchronizedRoutine { registration.cancel() }
  #expect(failure { try object.connect() }?.code == .noServiceRoutines)
  #expect(object.statistics().routines.isEmpty)
}

@Test func N8_cancelAfterTheObjectHasGoneDoesNothing() throws {
  var object: InterruptSyncObject? = InterruptSyncObject(source: try SoftwareLine(), mode: .all)
  let registration = try object?.registerServiceRoutine { .success }
  object = nil
  registration?.cancel()
  #expect(registration?.statistics.calls == 0)
}

@Test func N8_whatARoutineOwnsGoesWithItsCancellation() throws {
  let object = InterruptSyncObject(source: try SoftwareLine(), mode: .all)
  let isGone = Flag()
  var owned: Mourned? = Mourned(isGone)
  var registration: ServiceRoutineRegistration? = try object.registerServiceRoutine { [owned] in
    withExtendedLifetime(owned) { .success }
  }
  owned = nil
  #expect(!isGone.isUp)
  registration?.cancel()
  registration = nil
  #expect(isGone.isUp)
}

@Test func N8_aRoutineMayOwnTheLastReferenceToItsObject() throws {
  var object: InterruptSyncObject? = InterruptSyncObject(source: try SoftwareLine(), mode: .all)
  weak let weakObject = object
  var owner = try object?.registerServiceRoutine { [object] in
    withExtendedLifetime(object) { .success }
  }
  let other = try object?.registerServiceRoutine { .success }
  try object?.connect()
  try object?.callSynchronizedRoutine { owner?.cancel() }
  owner = nil
  object = nil
  #expect(weakObject != nil)
  // Clears the list of what was cancelled inside a routine, and with it ends the object.
  let clearing = Worker { other?.cancel() }
  try clearing.join("a cancellation that ends the object")
  #expect(weakObject == nil)
}

@Test func N8_registeringAndCancellingUnderLoad() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(
    source: line, mode: .all, options: InterruptSyncOptions(storm: .off))
  try object.registerServiceRoutine { .unsuccessful }
  try object.connect()
  let perThread = repetitions(10_000)
  let running = Counter(2)
  let late = Counter()
  let alive = Counter()
  let triggering = Worker { while running.value > 0 { line.trigger() } }
  let churning = (0..<2).map { _ in
    Worker {
      for turn in 0..<perThread {
        let isCancelled = Flag()
        let token = Token(alive)
        let registration = try? object.registerServiceRoutine(first: turn % 3 == 0) {
          if isCancelled.isUp { late.add() }
          return withExtendedLifetime(token) { .unsuccessful }
        }
        if turn % 7 == 0 {
          try? object.callSynchronizedRoutine { registration?.cancel() }
        } else {
          registration?.cancel()
        }
        isCancelled.raise()
      }
      running.add(-1)
    }
  }
  for thread in churning { try thread.join() }
  try triggering.join()
  try object.disconnect()
  #expect(late.value == 0)
  #expect(object.statistics().routines.count == 1)
  #expect(alive.value == 0)
}

/// Counts how many of it there are.
private final class Token: Sendable {
  private let alive: Counter
  init(_ alive: Counter) {
    self.alive = alive
    alive.add()
  }
  deinit { alive.add(-1) }
}
