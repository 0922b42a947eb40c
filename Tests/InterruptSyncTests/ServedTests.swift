// The essential promises, whichever thread dispatches.
import Glibc
import Testing
import TestSupport

@testable import InterruptSync

@Test(arguments: Served.allCases)
func everyInterruptIsCountedOnce(_ served: Served) throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .normal, options: try served.options())
  let registration = try object.registerServiceRoutine { .success }
  line.trigger(3)
  try object.connect()
  try object.awaitInterrupts(3)
  let total = UInt64(repetitions(20_000))
  for _ in 0..<total { line.trigger() }
  try object.awaitInterrupts(total + 3)
  try object.disconnect()
  let statistics = object.statistics()
  #expect(statistics.interrupts == total + 3)
  #expect(statistics.dispatches == registration.statistics.calls)
  #expect(statistics.claimed == statistics.dispatches)
  #expect(statistics.coalesced == statistics.interrupts - statistics.dispatches)
}

@Test(arguments: Served.allCases)
func everyRecordOfAStreamIsADispatch(_ served: Served) throws {
  let pipe = try Pipe(total: 10)
  let object = InterruptSyncObject(source: pipe.line, mode: .normal, options: try served.options())
  try object.registerServiceRoutine { .success }
  // Before and after connect: what has come already counts as new.
  for _ in 0..<100 { pipe.interrupt() }
  try object.connect()
  for _ in 0..<400 { pipe.interrupt() }
  try object.awaitDispatches(500)
  try object.disconnect()
  #expect(object.statistics().interrupts == 500)
}

@Test(arguments: Served.allCases)
func aSemaphoreIsReadUntilItIsEmpty(_ served: Served) throws {
  // The C library's overlay leaves eventfd(2) out. Its first flag is EFD_SEMAPHORE.
  typealias Function = @convention(c) (UInt32, Int32) -> Int32
  let symbol = try #require(dlsym(nil, "eventfd"))
  let fd = unsafeBitCast(symbol, to: Function.self)(0, 1 | O_NONBLOCK)
  let line = try FileDescriptorLine(fd, format: .eventCounter)
  defer { close(fd) }
  let object = InterruptSyncObject(source: line, mode: .normal, options: try served.options())
  try object.registerServiceRoutine { .success }
  try object.connect()
  var count: UInt64 = 200
  #expect(write(fd, &count, 8) == 8)
  try object.awaitDispatches(200)
  try object.disconnect()
}

@Test(arguments: Served.allCases)
func N11_noRoutineRunsOnceDisconnected(_ served: Served) throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .normal, options: try served.options())
  let isConnected = Flag()
  let late = Counter()
  try object.registerServiceRoutine {
    if !isConnected.isUp { late.add() }
    return .success
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

@Test(arguments: Served.allCases)
func N11_theMaskIsTheLastWord(_ served: Served) throws {
  let device = FakeDevice()
  let object = InterruptSyncObject(source: device, mode: .normal, options: try served.options())
  try object.registerServiceRoutine { .success }
  for _ in 0..<repetitions(100) {
    let before = object.completed
    try object.connect()
    #expect(try device.nextWrite() == 1)
    device.interrupt()
    try object.awaitDispatches(before + 1)
    try object.disconnect()
    #expect(device.writes() == [1, 0])
  }
  #expect(device.attaches.value == device.detaches.value)
}

@Test(arguments: Served.allCases)
func N4_disconnectInsideARoutineIsRefused(_ served: Served) throws {
  let line = try SoftwareLine()
  let codes = Journal<InterruptSyncError.Code?>()
  let object = InterruptSyncObject(source: line, mode: .normal, options: try served.options())
  try object.registerServiceRoutine { [unowned object] in
    codes.entries.append(failure { try object.disconnect() }?.code)
    codes.entries.append(failure { try object.callSynchronizedRoutine {} }?.code)
    return .success
  }
  try object.connect()
  line.trigger()
  try object.awaitDispatches(1)
  try object.disconnect()
  #expect(codes.entries == [.wouldDeadlock, .wouldDeadlock])
}

@Test(arguments: Served.allCases)
func N12_theLastReferenceMayGoInsideTheRoutine(_ served: Served) throws {
  for _ in 0..<repetitions(50) {
    let line = try SoftwareLine()
    let holder = Holder<InterruptSyncObject>()
    let isGone = Flag()
    var mourned: Mourned? = Mourned(isGone)
    let calls = Counter()
    holder.value = InterruptSyncObject(source: line, mode: .all, options: try served.options())
    try holder.value?.registerServiceRoutine { [mourned] in
      withExtendedLifetime(mourned) { calls.add() }
      holder.value = nil
      return .success
    }
    try holder.value?.registerServiceRoutine {
      calls.add()
      return .success
    }
    mourned = nil
    try holder.value?.connect()
    line.trigger()
    try eventually("the end of the object") { isGone.isUp }
    line.trigger()
    // The line is free once the dispatcher has left.
    let next = InterruptSyncObject(source: line, mode: .normal, options: try served.options())
    try next.registerServiceRoutine { .success }
    try eventually("the line to be free") { failure { try next.connect() } == nil }
    try next.awaitDispatches(1)
    #expect(calls.value == 1)
  }
}

@Test(arguments: Served.allCases)
func N20_aStormIsBrakedAndLetGo(_ served: Served) throws {
  let device = FakeDevice()
  let log = ReportLog()
  let claims = Flag()
  let object = InterruptSyncObject(
    source: device, mode: .normal,
    options: try served.options(
      storm: StormPolicy(
        limit: 3, action: .backOff(first: .milliseconds(1), longest: .milliseconds(1000))),
      report: log.handler))
  try object.registerServiceRoutine { claims.isUp ? .success : .unsuccessful }
  try object.connect()
  #expect(try device.nextWrite() == 1)
  for _ in 0..<2 {
    device.interrupt()
    #expect(try device.nextWrite() == 1)
  }
  device.interrupt()
  try log.await(["stormBegan"])
  claims.raise()
  #expect(try device.nextWrite() == 1)
  device.interrupt()
  #expect(try device.nextWrite() == 1)
  try log.await(["stormBegan", "stormEnded"])
  #expect(object.state == .connected)
  try object.disconnect()
  #expect(device.writes() == [0])
}

@Test(arguments: Served.allCases)
func N20_aStormThatStaysMaskedIsResumed(_ served: Served) throws {
  let device = FakeDevice()
  let log = ReportLog()
  let object = InterruptSyncObject(
    source: device, mode: .normal,
    options: try served.options(
      storm: StormPolicy(limit: 2, action: .stayMasked), report: log.handler))
  try object.registerServiceRoutine { .unsuccessful }
  try object.connect()
  #expect(try device.nextWrite() == 1)
  device.interrupt()
  #expect(try device.nextWrite() == 1)
  device.interrupt()
  try log.await(["stormBegan"])
  try eventually("the brake") { object.state == .storming }
  // Not looked at.
  device.interrupt()
  object.resumeAfterStorm()
  #expect(try device.nextWrite() == 1)
  // What came meanwhile is one too many; with the line braked again, its end still ends it.
  try eventually("the brake") { object.state == .storming }
  device.unplug()
  try log.await(["stormBegan", "removed"])
  #expect(object.state == .ended)
  #expect(object.statistics().dispatches == 3)
  try object.disconnect()
}

@Test(arguments: Served.allCases)
func aFailedRearmIsTriedAgain(_ served: Served) throws {
  let device = FakeDevice()
  let log = ReportLog()
  let object = InterruptSyncObject(
    source: device, mode: .normal, options: try served.options(report: log.handler))
  try object.registerServiceRoutine { .success }
  try object.connect()
  #expect(try device.nextWrite() == 1)
  device.refuseRearms()
  device.interrupt()
  try log.await(["rearmFailed"])
  #expect(try device.nextWrite() == 1)
  try log.await(["rearmFailed", "rearmRecovered"])
  try object.disconnect()
}

@Test(arguments: Served.allCases)
func aLineThatEndsIsReportedOnceAndCanBeReplaced(_ served: Served) throws {
  let pipe = try Pipe()
  let log = ReportLog()
  let object = InterruptSyncObject(
    source: pipe.line, mode: .normal, options: try served.options(report: log.handler))
  try object.registerServiceRoutine { .success }
  try object.connect()
  pipe.interrupt()
  pipe.interrupt()
  pipe.closeWriter()
  try log.await(["removed"])
  #expect(object.state == .ended)
  // What was written before the end has been served.
  #expect(object.statistics().dispatches == 2)
  let second = try SoftwareLine()
  try object.connect(to: second)
  second.trigger()
  try object.awaitDispatches(3)
  try object.disconnect()
  #expect(log.kinds == ["removed"])
}

@Test(arguments: Served.allCases)
func aReportHandlerMayDisconnectAndConnectAgain(_ served: Served) throws {
  let line = try SoftwareLine()
  let holder = Holder<InterruptSyncObject>()
  let done = Signal()
  let failures = Counter()
  let object = InterruptSyncObject(
    source: line, mode: .repeat,
    options: try served.options(
      repeatLimit: 3,
      report: { _ in
        if failure({ try holder.value?.disconnect() }) != nil { failures.add() }
        if failure({ try holder.value?.connect() }) != nil { failures.add() }
        done.raise()
      }))
  holder.value = object
  defer { holder.value = nil }
  let registration = try object.registerServiceRoutine { .success }
  try object.connect()
  for count in 1...UInt64(20) {
    line.trigger()
    try done.wait("report \(count)")
    #expect(registration.statistics.calls == 3 * count)
  }
  try object.disconnect()
  #expect(failures.value == 0)
}

@Test(arguments: Served.allCases)
func severalObjectsShareALine(_ served: Served) throws {
  let line = try SoftwareLine()
  let shared = SharedLine(line, options: try served.options())
  let objects = try (0..<3).map { _ in
    let object = InterruptSyncObject(source: line, mode: .normal)
    try object.registerServiceRoutine { .success }
    try shared.connect(object)
    return object
  }
  line.trigger()
  for object in objects { try object.awaitDispatches(1) }
  for object in objects { try shared.disconnect(object) }
}
