// P10 to P14 and N7: the list of service routines, at rest and while interrupts fire (T4).
import Testing
import TestSupport

@testable import InterruptSync

/// What a C-shaped routine was called with.
private final class Arguments {
  var calls: [(object: UInt, context: UInt)] = []
}

private let note: InterruptSyncRoutine = { object, context in
  let seen = Unmanaged<Arguments>.fromOpaque(context!).takeUnretainedValue()
  seen.calls.append((UInt(bitPattern: object), UInt(bitPattern: context)))
  return NTStatus.unsuccessful.rawValue
}

/// The order in which one dispatch calls routines that were registered like this.
private func order(registering isFirst: [Bool]) throws -> [Int] {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .all)
  let calls = Journal<Int>()
  for (index, first) in isFirst.enumerated() {
    try object.registerServiceRoutine(first: first) {
      calls.entries.append(index)
      return .unsuccessful
    }
  }
  try object.connect()
  line.trigger()
  try object.awaitDispatches(1)
  try object.disconnect()
  return calls.entries
}

@Test func P10_firstInsertsAtTheHeadAndOtherwiseAtTheTail() throws {
  #expect(try order(registering: [false, true, false, true]) == [3, 1, 0, 2])
}

@Test func P11_repeatedFirstGivesLastRegisteredFirst() throws {
  #expect(try order(registering: [true, true, true]) == [2, 1, 0])
  #expect(try order(registering: [false, false, false]) == [0, 1, 2])
}

@Test func P12_aRoutineGetsTheObjectAndItsOwnContext() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .all)
  let seen = [Arguments(), Arguments()]
  for arguments in seen {
    try object.registerServiceRoutine(note, context: Unmanaged.passUnretained(arguments).toOpaque())
  }
  try object.connect()
  line.trigger()
  try object.awaitDispatches(1)
  try object.disconnect()
  let address = UInt(bitPattern: Unmanaged.passUnretained(object).toOpaque())
  for arguments in seen {
    let context = UInt(bitPattern: Unmanaged.passUnretained(arguments).toOpaque())
    #expect(arguments.calls.count == 1)
    #expect(arguments.calls.first?.object == address)
    #expect(arguments.calls.first?.context == context)
  }
}

@Test func P6_aSurfaceCanPutItsOwnObjectInFirstPlace() throws {
  let object = InterruptSyncObject(source: try SoftwareLine(), mode: .all)
  let seen = Arguments()
  let context = Unmanaged.passUnretained(seen).toOpaque()
  object.setObjectPointer(context)
  _ = object.callSynchronizedRoutine(note, context: context)
  #expect(seen.calls.first?.object == UInt(bitPattern: context))
}

@Test func P14_theSamePairRegisteredTwiceIsTwoEntries() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .all)
  let seen = Arguments()
  let context = Unmanaged.passUnretained(seen).toOpaque()
  let entries = [
    try object.registerServiceRoutine(note, context: context),
    try object.registerServiceRoutine(note, context: context),
  ]
  try object.connect()
  line.trigger()
  try object.awaitDispatches(1)
  #expect(seen.calls.count == 2)
  #expect(entries.map(\.statistics.calls) == [1, 1])
  entries[0].cancel()
  line.trigger()
  try object.awaitDispatches(2)
  try object.disconnect()
  #expect(entries.map(\.statistics.calls) == [1, 2])
}

@Test func N7_theNextInterruptAfterARegistrationSeesIt() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(
    source: line, mode: .all, options: InterruptSyncOptions(storm: .off))
  try object.registerServiceRoutine { .unsuccessful }
  try object.connect()
  for turn in 0..<repetitions(500) {
    let added = try object.registerServiceRoutine(first: turn % 2 == 0) { .unsuccessful }
    let before = object.statistics().interrupts
    line.trigger()
    try object.awaitInterrupts(before + 1)
    try #require(added.statistics.calls == 1)
    added.cancel()
  }
  try object.disconnect()
}

@Test func P13_registeringAtBothEndsWhileInterruptsFire() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(
    source: line, mode: .all, options: InterruptSyncOptions(storm: .off))
  let pass = Journal<Int>()
  let keeps = Journal<Bool>()
  keeps.entries = [false]
  try object.registerServiceRoutine { .unsuccessful }
  try object.connect()
  let perThread = repetitions(300)
  let running = Counter(2)
  let triggering = Worker { while running.value > 0 { line.trigger() } }
  // Two threads, each with its own numbers; the even ones go to the head.
  let registering = (0..<2).map { thread in
    Worker {
      for number in 0..<perThread {
        let id = thread * 1_000_000 + number
        _ = try? object.registerServiceRoutine(first: number % 2 == 0) {
          if keeps.entries[0] { pass.entries.append(id) }
          return .unsuccessful
        }
      }
      running.add(-1)
    }
  }
  for thread in registering { try thread.join() }
  try triggering.join()
  try object.disconnect()
  keeps.entries = [true]
  let before = object.completed
  try object.connect()
  line.trigger()
  try object.awaitDispatches(before + 1)
  try object.disconnect()
  let one = Array(pass.entries.prefix(2 * perThread))
  #expect(object.statistics().routines.count == 2 * perThread + 1)
  for thread in 0..<2 {
    let numbers = one.filter { $0 / 1_000_000 == thread }.map { $0 % 1_000_000 }
    let heads = (0..<perThread).filter { $0 % 2 == 0 }
    let tails = (0..<perThread).filter { $0 % 2 == 1 }
    #expect(numbers == heads.reversed() + tails)
  }
}
