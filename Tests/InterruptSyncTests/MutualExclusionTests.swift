// T2: a plain counter and a plain flag that only the interrupt lock protects.
import Testing
import TestSupport

@testable import InterruptSync

/// What the routines share. Nothing here is atomic on purpose.
private final class Account: @unchecked Sendable {
  var operations = 0
  var isInside = false
  var overlaps = 0

  func visit() {
    if isInside { overlaps += 1 }
    isInside = true
    operations += 1
    isInside = false
  }
}

private let visit: InterruptSyncRoutine = { _, context in
  Unmanaged<Account>.fromOpaque(context!).takeUnretainedValue().visit()
  return NTStatus.success.rawValue
}

private let visitFromKernelHandle: KInterrupt.Routine = { context in
  Unmanaged<Account>.fromOpaque(context!).takeUnretainedValue().visit()
  return 1
}

@Test func T2_noTwoRoutinesOfAnObjectRunAtOnce() throws {
  let account = Account()
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .all)
  let context = Unmanaged.passUnretained(account).toOpaque()
  let address = UInt(bitPattern: context)
  let routines = [
    try object.registerServiceRoutine(visit, context: context),
    try object.registerServiceRoutine {
      account.visit()
      return .unsuccessful
    },
  ]
  let perCaller = repetitions(250_000)
  let running = Counter(4)
  let refused = Counter()

  // Two ways to call, one of them through the handle of whatever connection there is.
  let callers = (0..<4).map { number in
    Worker {
      let context = UnsafeMutableRawPointer(bitPattern: address)
      for turn in 0..<perCaller {
        if number == 0 {
          if (try? object.callSynchronizedRoutine { account.visit() }) == nil { refused.add() }
        } else if number == 1, let handle = object.getKInterrupt(), turn % 2 == 0 {
          if (try? handle.synchronizeExecution(visitFromKernelHandle, context: context)) == nil {
            // Stale: the connection ended between the two calls (N14).
            if !object.callSynchronizedRoutine(visit, context: context).isSuccess { refused.add() }
          }
        } else if !object.callSynchronizedRoutine(visit, context: context).isSuccess {
          refused.add()
        }
      }
      running.add(-1)
    }
  }
  let interrupts = Worker { while running.value > 0 { line.trigger() } }
  // created → connected → disconnected → connected …, while everybody goes on (N3).
  var connections = 0
  while running.value > 0 || connections < 3 {
    try object.connect()
    connections += 1
    let served = object.completed
    try eventually("a dispatch of this connection") {
      line.trigger()
      return object.completed > served
    }
    try object.disconnect()
  }
  for caller in callers { try caller.join() }
  try interrupts.join()
  #expect(refused.value == 0)
  #expect(account.overlaps == 0)
  let calls = routines.map { Int($0.statistics.calls) }
  #expect(account.operations == 4 * perCaller + calls[0] + calls[1])
  #expect(calls[0] == calls[1] && calls[0] >= connections)
  // Not every call of `visit` by a caller goes through the counter twice: a stale handle runs none.
  #expect(object.statistics().synchronizedCalls == UInt64(4 * perCaller))
}

@Test func T2_objectsThatShareALockExcludeEachOther() throws {
  let account = Account()
  let lock = InterruptLock()
  let lines = [try SoftwareLine(name: "one"), try SoftwareLine(name: "two")]
  let objects = lines.map { InterruptSyncObject(source: $0, mode: .normal, lock: lock) }
  for object in objects {
    try object.registerServiceRoutine {
      account.visit()
      return .success
    }
    try object.connect()
  }
  let perCaller = repetitions(50_000)
  let callers = objects.indices.map { index in
    Worker {
      for _ in 0..<perCaller {
        lines[1 - index].trigger()
        try? objects[index].callSynchronizedRoutine { account.visit() }
      }
    }
  }
  for caller in callers { try caller.join() }
  for object in objects {
    try object.awaitInterrupts(UInt64(perCaller))
    try object.disconnect()
  }
  let calls = objects.map { Int($0.statistics().routines[0].calls) }
  #expect(account.overlaps == 0)
  #expect(account.operations == 2 * perCaller + calls[0] + calls[1])
}

@Test func P31_noServiceRoutineStartsBeforeASynchronizedRoutineIsOver() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .normal)
  let order = Journal<String>()
  try object.registerServiceRoutine {
    order.entries.append("service")
    return .success
  }
  try object.connect()
  try object.callSynchronizedRoutine {
    line.trigger()
    // The dispatcher has the interrupt and sleeps on the lock.
    #expect(throws: Never.self) { try object.lock.awaitWaiter() }
    order.entries.append("synchronized")
  }
  try object.awaitDispatches(1)
  try object.disconnect()
  #expect(order.entries == ["synchronized", "service"])
}

@Test func P31_noSynchronizedRoutineStartsBeforeAServiceRoutineIsOver() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .normal)
  let order = Journal<String>()
  let entered = Signal()
  try object.registerServiceRoutine {
    entered.raise()
    #expect(throws: Never.self) { try object.lock.awaitWaiter() }
    order.entries.append("service")
    return .success
  }
  try object.connect()
  line.trigger()
  try entered.wait("the service routine")
  try object.callSynchronizedRoutine { order.entries.append("synchronized") }
  try object.disconnect()
  #expect(order.entries == ["service", "synchronized"])
}
