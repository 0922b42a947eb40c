// The queue: order, flush, producers on every level, and the end of routines and queues.
import Glibc
import Testing
import TestSupport

@testable import InterruptSync

@Test func deferredRoutinesRunInTheOrderOfQueueing() throws {
  let queue = try DeferredQueue()
  let order = Journal<Int>()
  let routines = (0..<100).map { index in
    DeferredRoutine(on: queue) { order.entries.append(index) }
  }
  for routine in routines { routine.enqueue() }
  try queue.flush()
  #expect(order.entries == Array(0..<100))
}

@Test func D3_flushWaitsForWhatWasQueuedBefore() throws {
  let queue = try DeferredQueue()
  let entered = Signal()
  let leave = Signal()
  let isDone = Flag()
  let routine = DeferredRoutine(on: queue) {
    entered.raise()
    leave.take()
    isDone.raise()
  }
  routine.enqueue()
  try entered.wait("the routine")
  let wasEarly = Flag()
  let flushing = Signal()
  let flusher = Worker {
    flushing.raise()
    try? queue.flush()
    if !isDone.isUp { wasEarly.raise() }
  }
  try flushing.wait("the flush")
  leave.raise()
  try flusher.join()
  #expect(!wasEarly.isUp)
}

@Test func D3_flushAtTheWrongLevelIsRefused() throws {
  let queue = try DeferredQueue()
  let codes = Journal<InterruptSyncError.Code?>()
  let object = InterruptSyncObject(source: try SoftwareLine(), mode: .normal)
  try object.callSynchronizedRoutine {
    codes.entries.append(failure { try queue.flush() }?.code)
  }
  let routine = DeferredRoutine(on: queue) { [unowned queue] in
    codes.entries.append(failure { try queue.flush() }?.code)
  }
  routine.enqueue()
  try queue.flush()
  #expect(codes.entries == [.wrongLevel, .wrongLevel])
}

@Test func D14_aPassiveQueueRunsAtPassiveLevelAndDoesNotWaitForItself() throws {
  let queue = try DeferredQueue(passive: "passive")
  let levels = Journal<InterruptLevel>()
  let codes = Journal<InterruptSyncError.Code?>()
  let routine = DeferredRoutine(on: queue) { [unowned queue] in
    levels.entries.append(.current)
    codes.entries.append(failure { try queue.flush() }?.code)
  }
  routine.enqueue()
  try queue.flush()
  #expect(levels.entries == [.passive] && codes.entries == [.wrongLevel])
}

@Test func N22_queuedFromAServiceRoutineItRunsWithoutTheLock() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .normal)
  let queue = try DeferredQueue()
  let ran = Signal()
  let worker = Counter()
  let isInside = Flag()
  let woken = Counter()
  let facts = Journal<(level: InterruptLevel, isHeld: Bool, isInside: Bool)>()
  let routine = DeferredRoutine(on: queue) {
    facts.entries.append((.current, object.lock.isHeldByCaller, isInside.isUp))
    worker.set(Int(currentThread()))
    ran.raise()
  }
  routine.enqueue()
  try ran.wait("the routine")
  try object.registerServiceRoutine {
    isInside.raise()
    routine.enqueue()
    // The wake-up goes out when the lock is free: nothing stirs meanwhile.
    for _ in 0..<200 where threadStatus(UInt32(worker.value))?.state != "S" { woken.add() }
    isInside.lower()
    return .success
  }
  try object.connect()
  let turns = 20
  for turn in 1...turns {
    try awaitSleep(of: UInt32(worker.value))
    line.trigger()
    try ran.wait("the deferred routine")
    try object.awaitDispatches(UInt64(turn))
  }
  try object.disconnect()
  try queue.flush()
  #expect(facts.entries.count == 1 + turns)
  #expect(facts.entries.allSatisfy { $0.level == .dispatch && !$0.isHeld && !$0.isInside })
  #expect(woken.value == 0)
}

@Test func N22_queuedFromASynchronizedRoutineItIsWokenWhenTheLockIsFree() throws {
  let object = InterruptSyncObject(source: try SoftwareLine(), mode: .normal)
  let inner = InterruptSyncObject(source: try SoftwareLine(), mode: .normal)
  let queue = try DeferredQueue()
  let ran = Signal()
  let worker = Counter()
  let isInside = Flag()
  let early = Counter()
  let routine = DeferredRoutine(on: queue) {
    if isInside.isUp { early.add() }
    worker.set(Int(currentThread()))
    ran.raise()
  }
  routine.enqueue()
  try ran.wait("the routine")
  for turn in 0..<40 {
    try awaitSleep(of: UInt32(worker.value))
    try object.callSynchronizedRoutine {
      isInside.raise()
      routine.enqueue()
      // Leaving an inner lock is not leaving the outer one.
      if turn % 2 == 0 { try? inner.callSynchronizedRoutine {} }
      for _ in 0..<200 { _ = threadStatus(UInt32(worker.value)) }
      isInside.lower()
    }
    try ran.wait("the deferred routine")
  }
  try queue.flush()
  #expect(early.value == 0)
}

@Test func N22_everyAcceptedQueueingRunsExactlyOnce() throws {
  let queue = try DeferredQueue()
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .all)
  // Written by the queue's thread alone, one after the other.
  let runs = Journal<Int>()
  runs.entries = [0, 0, 0, 0]
  let routines = (0..<4).map { index in DeferredRoutine(on: queue) { runs.entries[index] += 1 } }
  let accepted = (0..<4).map { _ in Counter() }
  for index in 0..<2 {
    try object.registerServiceRoutine {
      if routines[index].enqueue() { accepted[index].add() }
      return .success
    }
  }
  try object.connect()
  let perProducer = repetitions(100_000)
  let producers = (0..<4).map { index in
    Worker {
      for turn in 0..<perProducer {
        let target = (index + turn) % 4
        if turn % 5 == 0 {
          try? object.callSynchronizedRoutine {
            if routines[target].enqueue() { accepted[target].add() }
          }
        } else if routines[target].enqueue() {
          accepted[target].add()
        }
        if turn % 8 == 0 { line.trigger() }
      }
    }
  }
  for producer in producers { try producer.join() }
  try object.disconnect()
  try queue.flush()
  #expect(runs.entries == accepted.map(\.value))
  #expect(runs.entries.allSatisfy { $0 > 0 })
}

@Test func aQueuedRoutineLivesUntilItHasRun() throws {
  let isGone = Flag()
  let ran = Signal()
  let leave = Signal()
  var queue: DeferredQueue? = try DeferredQueue()
  let blocker = DeferredRoutine(on: queue!) { leave.take() }
  blocker.enqueue()
  do {
    let mourned = Mourned(isGone)
    let routine = DeferredRoutine(on: queue!) { withExtendedLifetime(mourned) { ran.raise() } }
    routine.enqueue()
  }
  queue = nil
  #expect(!isGone.isUp)
  leave.raise()
  try ran.wait("a routine whose last reference the queue holds")
  try eventually("the routine's end") { isGone.isUp }
}

@Test func theLastReferenceMayGoInsideTheRoutine() throws {
  // Routine, queue and thread end with it; a hundred times, so that a leaked thread would show.
  for _ in 0..<100 {
    let isGone = Flag()
    let own = Holder<DeferredRoutine>()
    let thread = Counter()
    let start = Signal()
    let ran = Signal()
    do {
      let mourned = Mourned(isGone)
      own.value = DeferredRoutine(on: try DeferredQueue()) {
        thread.set(Int(currentThread()))
        start.take()
        own.value = nil
        withExtendedLifetime(mourned) { ran.raise() }
      }
    }
    own.value?.enqueue()
    start.raise()
    try ran.wait("the routine")
    try eventually("the routine's end") { isGone.isUp }
    try eventually("the thread's end") { threadStatus(UInt32(thread.value)) == nil }
  }
}

@Test func theLastReferenceToAQueueMayGoAtDeviceLevel() throws {
  // Its thread has to be told at once, not when the lock is free: its end is waited for.
  let object = InterruptSyncObject(source: try SoftwareLine(), mode: .normal)
  let queue = Holder(try DeferredQueue())
  try queue.value?.flush()
  let releasing = Worker {
    try? object.callSynchronizedRoutine { queue.value = nil }
  }
  try releasing.join("the end of a queue inside a synchronized routine")
}

@Test func queuesComeAndGoWhileWakeUpsAreUnderWay() throws {
  let object = InterruptSyncObject(source: try SoftwareLine(), mode: .normal)
  for _ in 0..<repetitions(500) {
    let runs = Counter()
    let queue = try DeferredQueue()
    let routines = (0..<2).map { _ in DeferredRoutine(on: queue) { runs.add() } }
    try object.callSynchronizedRoutine { for routine in routines { routine.enqueue() } }
    try queue.flush()
    #expect(runs.value == 2)
  }
}

@Test func noWakeUpIsLost() throws {
  // Queued again the moment it has run, which is when the thread is on its way to sleep; nothing
  // else would wake it.
  let queue = try DeferredQueue()
  let runs = Counter()
  let routine = DeferredRoutine(on: queue) { runs.add() }
  for turn in 1...repetitions(15_000) {
    // Every distance between its run and its next queueing, in steps of a few nanoseconds.
    for _ in 0..<(turn % 100) { _ = runs.value }
    routine.enqueue()
    let deadline = time(nil) + patience
    while runs.value < turn {
      if time(nil) > deadline { throw Hung("run \(turn) of a routine that was queued") }
    }
  }
}
