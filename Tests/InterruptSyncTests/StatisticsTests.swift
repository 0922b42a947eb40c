// N19, N6: what an object counts.
import Glibc
import Testing
import TestSupport

@testable import InterruptSync

@Test func everyFigureOfAKnownHistory() throws {
  let pipe = try Pipe()
  let object = InterruptSyncObject(source: pipe.line, mode: .repeat)
  let turn = Journal<Int>()
  // First dispatch: claimed once, so two passes. Second: unclaimed, one pass.
  let a = try object.registerServiceRoutine {
    turn.entries.append(0)
    return turn.entries.count == 1 ? .success : .unsuccessful
  }
  let b = try object.registerServiceRoutine(first: true) { .unsuccessful }
  #expect(object.statistics() == idle(routines: 2))
  try object.connect()
  pipe.interrupt()
  try eventually("one dispatch") { object.completed == 1 }
  pipe.interrupt(4)
  try eventually("two dispatches") { object.completed == 2 }
  try object.callSynchronizedRoutine {
    _ = failure { try object.callSynchronizedRoutine {} }
  }
  _ = object.callSynchronizedRoutine({ _, _ in 0 }, context: nil)
  try object.disconnect()

  let statistics = object.statistics()
  #expect(statistics.interrupts == 5)
  #expect(statistics.dispatches == 2)
  #expect(statistics.coalesced == 3)
  #expect(statistics.claimed == 1)
  #expect(statistics.unclaimed == 1)
  #expect(statistics.passes == 3)
  #expect(statistics.rearmFailures == 0)
  #expect(statistics.storms == 0)
  #expect(statistics.repeatLimits == 0)
  #expect(statistics.synchronizedCalls == 2)
  #expect(statistics.refusedCalls == 1)
  #expect(statistics.longestHold > .zero)
  // In list order: b was put at the head.
  #expect(statistics.routines == [b.statistics, a.statistics])
  #expect(a.statistics == ServiceRoutineStatistics(calls: 3, claims: 1))
  #expect(b.statistics == ServiceRoutineStatistics(calls: 3, claims: 0))
}

private func idle(routines: Int) -> InterruptStatistics {
  var statistics = InterruptStatistics()
  statistics.routines = .init(
    repeating: ServiceRoutineStatistics(calls: 0, claims: 0), count: routines)
  return statistics
}

@Test func N6_theLongestHoldIsThatOfTheSlowestDispatch() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .normal)
  try object.registerServiceRoutine {
    usleep(20_000)
    return .success
  }
  try object.connect()
  line.trigger()
  try object.awaitDispatches(1)
  try object.disconnect()
  #expect(object.statistics().longestHold >= .milliseconds(19))
}

/// Of three objects that share a line the second one is slow, and the third has to wait.
@Test func N6_aMembersLongestHoldIsItsOwnAndHasNoWaitInIt() throws {
  let line = try SoftwareLine()
  let shared = SharedLine(line)
  let members = try [0, 200_000, 0].map { (pause: useconds_t) in
    let object = InterruptSyncObject(source: line, mode: .normal)
    try object.registerServiceRoutine {
      usleep(pause)
      return .success
    }
    try shared.connect(object)
    return object
  }
  line.trigger()
  try members[2].awaitDispatches(1)
  let holds = Signal()
  let leave = Signal()
  let holder = Worker {
    try? members[2].callSynchronizedRoutine {
      holds.raise()
      leave.take()
    }
  }
  try holds.wait("the holder")
  line.trigger()
  try members[2].lock.awaitWaiter()
  usleep(200_000)
  leave.raise()
  try holder.join()
  try members[2].awaitDispatches(2)
  for object in members { try shared.disconnect(object) }
  let longest = members.map { $0.statistics().longestHold }
  #expect(longest[1] >= .milliseconds(199))
  #expect(longest[0] < .milliseconds(150) && longest[2] < .milliseconds(150))
}

@Test func N6_waitsForTheLockAreCountedAndMeasured() throws {
  let object = InterruptSyncObject(source: try SoftwareLine(), mode: .normal)
  #expect(object.lock.contentions == 0 && object.lock.longestWait == .zero)
  try object.callSynchronizedRoutine {}
  #expect(object.lock.contentions == 0)
  let holds = Signal()
  let leave = Signal()
  let holder = Worker {
    try? object.callSynchronizedRoutine {
      holds.raise()
      leave.take()
    }
  }
  try holds.wait("the holder")
  let waiter = Worker { try? object.callSynchronizedRoutine {} }
  try object.lock.awaitWaiter()
  usleep(20_000)
  leave.raise()
  try waiter.join()
  try holder.join()
  #expect(object.lock.contentions == 1)
  #expect(object.lock.longestWait >= .milliseconds(19))
  #expect(object.statistics().longestWait >= .milliseconds(19))
}

@Test func statisticsCanBeReadAtAnyLevelAndWhileItRuns() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .normal)
  let inside = Journal<UInt64>()
  try object.registerServiceRoutine { [unowned object] in
    inside.entries.append(object.statistics().dispatches)
    return object.state == .connected ? .success : .unsuccessful
  }
  try object.connect()
  let isOver = Flag()
  let falling = Counter()
  let reader = Worker {
    var last = object.statistics()
    while !isOver.isUp {
      let next = object.statistics()
      if next.interrupts < last.interrupts || next.dispatches < last.dispatches { falling.add() }
      last = next
    }
  }
  let total = repetitions(20_000)
  for _ in 0..<total { line.trigger() }
  try object.awaitInterrupts(UInt64(total))
  isOver.raise()
  try reader.join()
  try object.disconnect()
  #expect(falling.value == 0)
  // A dispatch is counted when its routines have run.
  #expect(inside.entries == Array(0..<UInt64(inside.entries.count)))
  #expect(object.statistics().dispatches == UInt64(inside.entries.count))
}
