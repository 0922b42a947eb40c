// T5, N11: when disconnect returns, no routine runs and none will start.
import Testing
import TestSupport

@testable import InterruptSync

@Test func N11_disconnectWaitsForTheRoutineInProgress() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .normal)
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
  let disconnecting = Worker {
    try? object.disconnect()
    if isInside.isUp { wasInside.raise() }
  }
  try object.lock.awaitWaiter()
  // More of them meanwhile: one dispatch at most may still take them.
  line.trigger(3)
  leave.raise(2)
  try disconnecting.join()
  #expect(!wasInside.isUp)
  #expect(object.state == .disconnected)
  let calls = registration.statistics.calls
  line.trigger()
  #expect(try object.callSynchronizedRoutine { registration.statistics.calls } == calls)
}

@Test func N11_noCallAfterDisconnect() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .repeat)
  let isConnected = Flag()
  let late = Counter()
  let claims = Journal<Int>()
  claims.entries = [0]
  try object.registerServiceRoutine {
    if !isConnected.isUp { late.add() }
    claims.entries[0] += 1
    return claims.entries[0] % 3 == 0 ? .unsuccessful : .success
  }
  let isOver = Flag()
  let triggering = Worker { while !isOver.isUp { line.trigger() } }
  for _ in 0..<repetitions(300) {
    isConnected.raise()
    try object.connect()
    let before = object.statistics().dispatches
    try eventually("a dispatch") { object.statistics().dispatches > before }
    try object.disconnect()
    isConnected.lower()
  }
  isOver.raise()
  try triggering.join()
  #expect(late.value == 0)
}

@Test func N11_theMaskIsTheLastWordAlsoAfterARoutineInProgress() throws {
  let device = FakeDevice()
  let object = InterruptSyncObject(source: device, mode: .normal)
  let entered = Signal()
  let leave = Signal()
  try object.registerServiceRoutine {
    entered.raise()
    leave.take()
    return .success
  }
  try object.connect()
  #expect(try device.nextWrite() == 1)
  device.interrupt()
  try entered.wait("the routine")
  let disconnecting = Worker { try? object.disconnect() }
  try object.lock.awaitWaiter()
  leave.raise()
  try disconnecting.join()
  // The routine's own re-arm was under the lock, ahead of the mask; nothing comes behind it.
  #expect(device.writes() == [1, 0])
}

@Test func N11_theMaskIsTheLastWordUnderLoad() throws {
  let device = FakeDevice()
  let object = InterruptSyncObject(source: device, mode: .normal)
  try object.registerServiceRoutine { .success }
  for _ in 0..<repetitions(300) {
    let last = Counter(-1)
    let isDone = Flag()
    let before = object.completed
    // A level line that is always asserted: it interrupts whenever it is unmasked.
    let asserting = Worker {
      while true {
        let wasDone = isDone.isUp
        for value in device.writes() {
          last.set(Int(value))
          if value == 1 { device.interrupt() }
        }
        if wasDone { return }
      }
    }
    try object.connect()
    try eventually("some dispatches") { object.completed > before + 3 }
    try object.disconnect()
    isDone.raise()
    try asserting.join()
    try #require(last.value == 0)
  }
}

@Test func N11_disconnectDoesNotWaitForAnInterrupt() throws {
  let object = InterruptSyncObject(source: try SoftwareLine(), mode: .normal)
  try object.registerServiceRoutine { .success }
  try object.connect()
  try object.disconnect()
  #expect(object.statistics().dispatches == 0)
}

@Test func N11_disconnectsFromManyThreadsAtOnce() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .normal)
  try object.registerServiceRoutine { .success }
  for _ in 0..<repetitions(50) {
    try object.connect()
    line.trigger()
    let failures = Counter()
    let threads = (0..<4).map { _ in
      Worker {
        if failure({ try object.disconnect() }) != nil { failures.add() }
        if object.state != .disconnected { failures.add() }
      }
    }
    for thread in threads { try thread.join() }
    #expect(failures.value == 0)
  }
}

@Test func N11_disconnectInsideTheReportHandlerDoesNotWaitForItself() throws {
  let line = try SoftwareLine()
  let holder = Holder<InterruptSyncObject>()
  let done = Signal()
  let failures = Counter()
  let object = InterruptSyncObject(
    source: line, mode: .repeat,
    options: InterruptSyncOptions(
      repeatLimit: 3,
      report: { _ in
        if failure({ try holder.value?.disconnect() }) != nil { failures.add() }
        done.raise()
      }))
  holder.value = object
  defer { holder.value = nil }
  let registration = try object.registerServiceRoutine { .success }
  try object.connect()
  line.trigger()
  try done.wait("the report")
  #expect(failures.value == 0)
  #expect(object.state == .disconnected)
  line.trigger()
  #expect(registration.statistics.calls == 3)
  // And it can be connected again, with the line free for the new connection.
  try object.connect()
  try done.wait("the second report")
}
