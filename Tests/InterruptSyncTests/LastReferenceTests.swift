// N12, P25: the last release disconnects, wherever it happens.
import Testing
import TestSupport

@testable import InterruptSync

@Test func P25_theLastReleaseDisconnects() throws {
  let line = try SoftwareLine()
  let calls = Counter()
  let isGone = Flag()
  var mourned: Mourned? = Mourned(isGone)
  var object: InterruptSyncObject? = InterruptSyncObject(source: line, mode: .normal)
  try object?.registerServiceRoutine { [mourned] in
    withExtendedLifetime(mourned) { calls.add() }
    return .success
  }
  mourned = nil
  try object?.connect()
  line.trigger()
  try object?.awaitDispatches(1)
  object = nil
  // The list has gone with it, and the line is free.
  #expect(isGone.isUp)
  line.trigger()
  let next = InterruptSyncObject(source: line, mode: .normal)
  try next.registerServiceRoutine { .success }
  try next.connect()
  try next.awaitDispatches(1)
  #expect(calls.value == 1)
}

@Test func P25_theLastReleaseWaitsForTheRoutineInProgress() throws {
  let line = try SoftwareLine()
  let lock = InterruptLock()
  let entered = Signal()
  let leave = Signal()
  let isInside = Flag()
  let holder = Holder(InterruptSyncObject(source: line, mode: .normal, lock: lock))
  try holder.value?.registerServiceRoutine {
    isInside.raise()
    entered.raise()
    leave.take()
    isInside.lower()
    return .success
  }
  try holder.value?.connect()
  line.trigger()
  try entered.wait("the routine")
  let wasInside = Flag()
  let releasing = Worker {
    holder.value = nil
    if isInside.isUp { wasInside.raise() }
  }
  try lock.awaitWaiter()
  leave.raise()
  try releasing.join()
  #expect(!wasInside.isUp)
}

private final class WeakEntry: @unchecked Sendable {
  weak var value: ServiceRoutineRegistration?
}

@Test(arguments: InterruptSyncMode.allCases)
func N12_theLastReleaseInsideAServiceRoutine(_ mode: InterruptSyncMode) throws {
  let device = FakeDevice()
  let holder = Holder(InterruptSyncObject(source: device, mode: mode))
  weak let object = holder.value
  let isGone = Flag()
  let goneTooEarly = Flag()
  let others = Counter()
  let left = Signal()
  var mourned: Mourned? = Mourned(isGone)
  let entries = [WeakEntry(), WeakEntry()]
  entries[0].value = try holder.value?.registerServiceRoutine { [mourned] in
    withExtendedLifetime(mourned) {
      holder.value = nil
      // This very routine is still running, and the walk will go on from its entry.
      if isGone.isUp || entries.contains(where: { $0.value == nil }) { goneTooEarly.raise() }
    }
    left.raise()
    return .unsuccessful
  }
  mourned = nil
  entries[1].value = try holder.value?.registerServiceRoutine {
    others.add()
    return .success
  }
  try holder.value?.connect()
  device.interrupt()
  try left.wait("the routine")
  try eventually("the end of what the routine owned") { isGone.isUp }
  #expect(object == nil)
  #expect(!goneTooEarly.isUp)
  #expect(others.value == 0)
  #expect(device.writes() == [1, 0])
  #expect(device.detaches.value == 1)
}

@Test func N12_theLastReleaseInsideTheReportHandler() throws {
  let line = try SoftwareLine()
  let holder = Holder<InterruptSyncObject>()
  let reported = Signal()
  let isGone = Flag()
  var mourned: Mourned? = Mourned(isGone)
  holder.value = InterruptSyncObject(
    source: line, mode: .repeat,
    options: InterruptSyncOptions(
      repeatLimit: 2,
      report: { [mourned] _ in
        holder.value = nil
        withExtendedLifetime(mourned) { reported.raise() }
      }))
  mourned = nil
  try holder.value?.registerServiceRoutine { .success }
  try holder.value?.connect()
  line.trigger()
  try reported.wait("the report")
  try eventually("the end of the object's options") { isGone.isUp }
  let next = InterruptSyncObject(source: line, mode: .normal)
  try next.registerServiceRoutine { .success }
  try next.connect()
}

@Test func N12_theLastReleaseInsideARoutineOfAnotherObjectOfTheLock() throws {
  // The releasing thread has the lock, so it cannot wait for the dispatcher, which may want it.
  for _ in 0..<repetitions(300) {
    let lock = InterruptLock()
    let device = FakeDevice()
    let calls = Counter()
    let other = InterruptSyncObject(source: try SoftwareLine(), mode: .normal, lock: lock)
    let holder = Holder(InterruptSyncObject(source: device, mode: .normal, lock: lock))
    try holder.value?.registerServiceRoutine {
      calls.add()
      return .success
    }
    try holder.value?.connect()
    try other.callSynchronizedRoutine {
      device.interrupt()
      #expect(throws: Never.self) { try lock.awaitWaiter() }
      holder.value = nil
      // The line goes back when its dispatcher has left it, and not before.
      #expect(device.detaches.value == 0)
    }
    try eventually("the line's release") { device.detaches.value == 1 }
    #expect(device.writes() == [1, 0])
    let next = InterruptSyncObject(source: device, mode: .normal)
    try next.registerServiceRoutine { .success }
    try next.connect()
    device.interrupt()
    try next.awaitDispatches(1)
    try next.disconnect()
    #expect(calls.value == 0)
  }
}

@Test func P25_theLineIsMaskedByTheLastRelease() throws {
  let device = FakeDevice()
  var object: InterruptSyncObject? = InterruptSyncObject(source: device, mode: .normal)
  try object?.registerServiceRoutine { .success }
  try object?.connect()
  object = nil
  #expect(device.writes() == [1, 0])
  #expect(device.attaches.value == 1 && device.detaches.value == 1)
}
