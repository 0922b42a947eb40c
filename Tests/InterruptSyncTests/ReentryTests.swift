// T7, N4: whoever already holds the lock is told so, instead of waiting for himself.
import Testing

@testable import InterruptSync

private let mustNotRun: InterruptSyncRoutine = { _, context in
  Unmanaged<Flag>.fromOpaque(context!).takeUnretainedValue().raise()
  return NTStatus.success.rawValue
}

private let kernelMustNotRun: KInterrupt.Routine = { context in
  Unmanaged<Flag>.fromOpaque(context!).takeUnretainedValue().raise()
  return 1
}

/// Every way to enter an object again, tried by a thread that is inside of it. What they answered.
private func enterAgain(_ object: InterruptSyncObject, _ ran: Flag) -> [InterruptSyncError?] {
  let context = Unmanaged.passUnretained(ran).toOpaque()
  #expect(object.callSynchronizedRoutine(mustNotRun, context: context) == .possibleDeadlock)
  return [
    failure { try object.callSynchronizedRoutine { ran.raise() } },
    failure { try object.disconnect() },
    failure { try object.connect() },
    failure {
      try object.registerServiceRoutine(mustNotRun, context: context)
    },
    failure { try object.registerServiceRoutine { .success } },
  ]
}

private func check(_ errors: [InterruptSyncError?]) {
  #expect(errors.count == 5)
  for error in errors {
    #expect(error?.code == .wouldDeadlock)
    #expect(error?.status == .possibleDeadlock)
  }
}

@Test func T7_fromASynchronizedRoutine() throws {
  let object = InterruptSyncObject(source: try SoftwareLine(), mode: .normal)
  let ran = Flag()
  check(try object.callSynchronizedRoutine { enterAgain(object, ran) })
  #expect(!ran.isUp)
  #expect(object.statistics().refusedCalls == 2)
  #expect(object.statistics().routines.isEmpty)
  // The lock was left alone: others and the same thread still get in.
  #expect(try object.callSynchronizedRoutine { true })
}

@Test func T7_fromAServiceRoutine() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .normal)
  let ran = Flag()
  let errors = Journal<InterruptSyncError?>()
  try object.registerServiceRoutine { [unowned object] in
    errors.entries = enterAgain(object, ran)
    if let handle = object.getKInterrupt() {
      let context = Unmanaged.passUnretained(ran).toOpaque()
      let refused = failure {
        try handle.synchronizeExecution(kernelMustNotRun, context: context)
      }
      #expect(refused?.code == .wouldDeadlock)
      #expect(refused?.operation == "KeSynchronizeExecution")
    }
    return .success
  }
  try object.connect()
  line.trigger()
  try object.awaitDispatches(1)
  #expect(object.state == .connected)
  try object.disconnect()
  check(errors.entries)
  #expect(!ran.isUp)
  #expect(object.statistics().refusedCalls == 3)
}

@Test func T7_fromTheRoutineOfAnObjectThatSharesTheLock() throws {
  let lock = InterruptLock()
  let one = InterruptSyncObject(source: try SoftwareLine(), mode: .normal, lock: lock)
  let two = InterruptSyncObject(source: try SoftwareLine(), mode: .normal, lock: lock)
  let ran = Flag()
  check(try one.callSynchronizedRoutine { enterAgain(two, ran) })
  #expect(!ran.isUp)
  #expect(one.statistics().refusedCalls == 0)
  #expect(two.statistics().refusedCalls == 2)
}

@Test func T7_fromARoutineRunThroughTheKernelHandle() throws {
  let object = InterruptSyncObject(source: try SoftwareLine(), mode: .normal)
  try object.registerServiceRoutine { .success }
  try object.connect()
  let context = Unmanaged.passUnretained(object).toOpaque()
  let handle = try #require(object.getKInterrupt())
  let result = try handle.synchronizeExecution(
    { context in
      let object = Unmanaged<InterruptSyncObject>.fromOpaque(context!).takeUnretainedValue()
      let refused = failure {
        try object.callSynchronizedRoutine {}
      }
      return refused?.code == .wouldDeadlock ? 1 : 0
    }, context: context)
  #expect(result)
  try object.disconnect()
}

@Test func T7_theErrorNamesObjectOperationCauseAndRemedy() throws {
  let object = InterruptSyncObject(source: try SoftwareLine(), mode: .normal, name: "card")
  let refused = try object.callSynchronizedRoutine {
    failure { try object.callSynchronizedRoutine {} }
  }
  #expect(
    refused?.description == """
      card: call a synchronized routine: the calling thread is inside a routine of this object, \
      or of one that shares its lock
        hint: call the function directly: the thread already holds the lock
      """)
}

@Test func T7_twoLocksTakenInOppositeOrderAreReportedAsADeadlock() throws {
  let one = InterruptSyncObject(source: try SoftwareLine(), mode: .normal, name: "one")
  let two = InterruptSyncObject(source: try SoftwareLine(), mode: .normal, name: "two")
  let codes = [Journal<InterruptSyncError.Code>(), Journal<InterruptSyncError.Code>()]
  let isInOne = Signal()
  let isInTwo = Signal()
  let threads = [(one, two, isInOne, isInTwo), (two, one, isInTwo, isInOne)].enumerated().map {
    index, part in
    Worker {
      let (outer, inner, mine, other) = part
      try? outer.callSynchronizedRoutine {
        mine.raise()
        other.take()
        if let refused = failure({ try inner.callSynchronizedRoutine {} }) {
          codes[index].entries.append(refused.code)
        }
      }
    }
  }
  for thread in threads { try thread.join("two threads, each of which wants the other's lock") }
  // One of them was refused, and the other went on when the first left; both, if the kernel found
  // the circle from both ends at the same moment.
  let refused = codes.flatMap(\.entries)
  #expect((1...2).contains(refused.count))
  #expect(refused.allSatisfy { $0 == .wouldDeadlock })
}
