// D1 to D3, N22: one deferred routine, queued, taken back, queued again.
import Testing
import TestSupport

@testable import InterruptSync

/// The arguments that a C-shaped deferred routine was called with.
private final class Calls: @unchecked Sendable {
  var arguments: [(Int, Int)] = []
  let ran = Signal()
}

private let note: DeferredRoutine.Routine = { context, first, second in
  let calls = Unmanaged<Calls>.fromOpaque(context!).takeUnretainedValue()
  calls.arguments.append((Int(bitPattern: first), Int(bitPattern: second)))
  calls.ran.raise()
}

private func pointer(_ value: Int) -> UnsafeMutableRawPointer? { .init(bitPattern: value) }

/// A queue whose thread is kept busy until it is let go.
private final class HeldQueue {
  let queue: DeferredQueue
  private let entered = Signal()
  private let leave = Signal()

  init() throws {
    queue = try DeferredQueue()
    try hold()
  }

  deinit { leave.raise() }

  func hold() throws {
    let blocker = DeferredRoutine(on: queue) { [entered, leave] in
      entered.raise()
      leave.take()
    }
    blocker.enqueue()
    try entered.wait("the queue's thread")
  }

  func letGo() { leave.raise() }
}

@Test func D1_aQueuedRoutineRunsOnceWithItsContextAndArguments() throws {
  let queue = try DeferredQueue()
  let calls = Calls()
  let routine = DeferredRoutine(
    on: queue, note, context: Unmanaged.passUnretained(calls).toOpaque())
  #expect(routine.enqueue(pointer(7), pointer(8)))
  try calls.ran.wait("the routine")
  try queue.flush()
  #expect(calls.arguments.map(\.0) == [7] && calls.arguments.map(\.1) == [8])
}

@Test func D1_queueingAQueuedRoutineIsRefusedAndTheEarlierArgumentsStay() throws {
  let held = try HeldQueue()
  let calls = Calls()
  let routine = DeferredRoutine(
    on: held.queue, note, context: Unmanaged.passUnretained(calls).toOpaque())
  #expect(routine.enqueue(pointer(1), pointer(2)))
  #expect(!routine.enqueue(pointer(3), pointer(4)))
  #expect(!routine.enqueue())
  held.letGo()
  try held.queue.flush()
  #expect(calls.arguments.map(\.0) == [1] && calls.arguments.map(\.1) == [2])
  // And it can be queued anew.
  #expect(routine.enqueue(pointer(5), nil))
  try held.queue.flush()
  #expect(calls.arguments.map(\.0) == [1, 5])
}

@Test func D1_aRefusedCallerIsServedByTheCallThatIsStillToCome() throws {
  // What a caller wrote before it was refused has to be visible to the routine: nothing else but
  // the refusal orders the two, which the thread sanitizer checks.
  let held = try HeldQueue()
  let box = Holder<Int>(0)
  let seen = Holder<Int>()
  let routine = DeferredRoutine(on: held.queue) { seen.value = box.value }
  #expect(routine.enqueue())
  let wasRefused = RelaxedFlag()
  let producer = Worker {
    box.value = 42
    if !routine.enqueue() { wasRefused.raise() }
  }
  try eventually("the refusal") { wasRefused.isUp }
  held.letGo()
  try held.queue.flush()
  #expect(seen.value == 42)
  try producer.join()
}

@Test func D2_aRunningRoutineCanBeQueuedAgainAndNeverOverlapsItself() throws {
  let queue = try DeferredQueue()
  let entered = Signal()
  let leave = Signal()
  let runs = Counter()
  let inside = Counter()
  let overlaps = Counter()
  let routine = DeferredRoutine(on: queue) {
    inside.add()
    if inside.value != 1 { overlaps.add() }
    runs.add()
    entered.raise()
    leave.take()
    inside.add(-1)
  }
  #expect(routine.enqueue())
  try entered.wait("the first run")
  // Off the queue already: once more is accepted, and twice more is not.
  #expect(routine.enqueue())
  #expect(!routine.enqueue())
  leave.raise(2)
  try queue.flush()
  #expect(runs.value == 2)
  #expect(overlaps.value == 0)
}

@Test func D2_aRoutineQueuesItself() throws {
  let queue = try DeferredQueue()
  let own = Holder<DeferredRoutine>()
  let runs = Counter()
  let done = Signal()
  own.value = DeferredRoutine(on: queue) {
    runs.add()
    if runs.value == 1000 { done.raise() } else { _ = own.value?.enqueue() }
  }
  own.value?.enqueue()
  try done.wait("a thousand runs")
  try queue.flush()
  #expect(runs.value == 1000)
  own.value = nil
}

@Test func D3_removeTellsWhetherItWasQueued() throws {
  let held = try HeldQueue()
  let runs = Counter()
  let routine = DeferredRoutine(on: held.queue) { runs.add() }
  #expect(!routine.remove())
  #expect(routine.enqueue())
  #expect(routine.remove())
  #expect(!routine.remove())
  held.letGo()
  try held.queue.flush()
  #expect(runs.value == 0)
  #expect(!routine.remove())
}

@Test func D3_aRemovedRoutineCanBeQueuedAgainWithNewArguments() throws {
  let held = try HeldQueue()
  let calls = Calls()
  let routine = DeferredRoutine(
    on: held.queue, note, context: Unmanaged.passUnretained(calls).toOpaque())
  #expect(routine.enqueue(pointer(1), nil))
  #expect(routine.remove())
  #expect(routine.enqueue(pointer(2), pointer(3)))
  #expect(!routine.enqueue(pointer(4), nil))
  held.letGo()
  try held.queue.flush()
  #expect(calls.arguments.map(\.0) == [2] && calls.arguments.map(\.1) == [3])
}

@Test func D3_removeDoesNotWaitForARunningRoutine() throws {
  let queue = try DeferredQueue()
  let entered = Signal()
  let leave = Signal()
  let routine = DeferredRoutine(on: queue) {
    entered.raise()
    leave.take()
  }
  #expect(routine.enqueue())
  try entered.wait("the routine")
  #expect(!routine.remove())
  leave.raise()
  try queue.flush()
}

@Test func D3_argumentsStayTogetherWhateverIsTakenBack() throws {
  // Two threads queue pairs and take them back while the queue runs; a pair of two different
  // queueings must never be seen.
  let queue = try DeferredQueue()
  let calls = Calls()
  let routine = DeferredRoutine(
    on: queue, note, context: Unmanaged.passUnretained(calls).toOpaque())
  let perThread = repetitions(100_000)
  let accepted = Counter()
  let removed = Counter()
  let threads = (0..<2).map { thread in
    Worker {
      for turn in 1...perThread {
        let value = thread * perThread + turn
        if routine.enqueue(pointer(value), pointer(value)) { accepted.add() }
        if turn % 3 != 0, routine.remove() { removed.add() }
      }
    }
  }
  for thread in threads { try thread.join() }
  try queue.flush()
  #expect(calls.arguments.allSatisfy { $0.0 == $0.1 && $0.0 != 0 })
  #expect(calls.arguments.count == accepted.value - removed.value)
}
