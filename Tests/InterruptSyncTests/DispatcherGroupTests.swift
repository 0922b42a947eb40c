// Many lines on one thread.
import CUIO
import Glibc
import Testing
import TestSupport

@testable import InterruptSync

/// Not a closure, so that a trailing one is the routine.
private struct Reporting {
  let handler: @Sendable (InterruptReport) -> Void
}

private func member(
  _ source: any InterruptSource, _ group: DispatcherGroup, mode: InterruptSyncMode = .normal,
  storm: StormPolicy = .standard, repeatLimit: UInt64 = 1000,
  report: Reporting? = nil,
  _ routine: @escaping @Sendable () -> NTStatus = { .success }
) throws -> InterruptSyncObject {
  let object = InterruptSyncObject(
    source: source, mode: mode,
    options: InterruptSyncOptions(
      storm: storm, repeatLimit: repeatLimit, group: group, report: report?.handler))
  try object.registerServiceRoutine(routine)
  return object
}

@Test func aThousandLinesOnOneThread() throws {
  let group = try DispatcherGroup()
  let threads = Journal<UInt32>()
  let lock = InterruptLock()
  let lines = try (0..<1000).map { try SoftwareLine(name: "line \($0)") }
  let objects = try lines.map { line in
    let object = InterruptSyncObject(
      source: line, mode: .normal, lock: lock, options: InterruptSyncOptions(group: group))
    try object.registerServiceRoutine {
      threads.entries.append(currentThread())
      return .success
    }
    try object.connect()
    return object
  }
  #expect(group.lineCount == 1000)
  let rounds = UInt64(repetitions(20))
  for _ in 0..<rounds { for line in lines { line.trigger() } }
  for object in objects { try object.awaitInterrupts(rounds) }
  for object in objects { try object.disconnect() }
  #expect(group.lineCount == 0)
  #expect(objects.allSatisfy { $0.statistics().interrupts == rounds })
  #expect(Set(threads.entries).count == 1)
}

@Test func N11_membersComeAndGoWhileOthersAreServed() throws {
  let group = try DispatcherGroup()
  let steady = try SoftwareLine()
  let object = try member(steady, group)
  try object.connect()
  let isOver = Flag()
  let late = Counter()
  let workers = try (0..<3).map { _ in
    let line = try SoftwareLine()
    let isConnected = Flag()
    let guest = try member(line, group) {
      if !isConnected.isUp { late.add() }
      return .success
    }
    return Worker {
      while !isOver.isUp {
        isConnected.raise()
        if failure({ try guest.connect() }) != nil { late.add() }
        line.trigger()
        if failure({ try guest.disconnect() }) != nil { late.add() }
        isConnected.lower()
      }
    }
  }
  let total = UInt64(repetitions(20_000))
  for _ in 0..<total { steady.trigger() }
  try object.awaitInterrupts(total)
  isOver.raise()
  for worker in workers { try worker.join() }
  try object.disconnect()
  #expect(object.statistics().interrupts == total)
  #expect(late.value == 0)
}

@Test func aLineThatIsAlwaysReadyStarvesNobody() throws {
  let group = try DispatcherGroup()
  let greedy = try SoftwareLine()
  let stream = Holder(try Pipe())
  let isOver = Flag()
  // One is ready again before its routine has ended, the other has records without end.
  let first = try member(greedy, group) {
    if !isOver.isUp { greedy.trigger() }
    return .success
  }
  let second = try member(try #require(stream.value).line, group, storm: .off)
  let quiet = try (0..<100).map { _ in try SoftwareLine() }
  let others = try quiet.map { try member($0, group) }
  for object in others + [first, second] { try object.connect() }
  greedy.trigger()
  let writing = Worker { while !isOver.isUp { stream.value?.interrupt() } }
  for object in [first, second] { try object.awaitInterrupts(1) }
  for round in 1...UInt64(20) {
    for line in quiet { line.trigger() }
    for object in others { try object.awaitInterrupts(round) }
  }
  // Nor do the others starve them.
  for object in [first, second] {
    let before = object.statistics().interrupts
    try object.awaitInterrupts(before + 1)
  }
  isOver.raise()
  try writing.join()
  for object in others + [first, second] { try object.disconnect() }
}

@Test func heartbeatOfAQuietLineTellsOfTheThreadAlsoWhenThatNeverSleeps() throws {
  let group = try DispatcherGroup()
  let greedy = try SoftwareLine()
  let isOver = Flag()
  let isStuck = Flag()
  let entered = Signal()
  let leave = Signal()
  let busy = try member(greedy, group) {
    if isStuck.isUp, !isOver.isUp {
      isOver.raise()
      entered.raise()
      leave.take()
    }
    if !isOver.isUp { greedy.trigger() }
    return .success
  }
  let quiet = try member(try SoftwareLine(), group)
  #expect(quiet.heartbeat == nil)
  for object in [busy, quiet] { try object.connect() }
  greedy.trigger()
  for _ in 0..<3 {
    let beat = try #require(quiet.heartbeat)
    try eventually("a heartbeat") { quiet.heartbeat != beat }
  }
  isStuck.raise()
  entered.take()
  let beat = quiet.heartbeat
  for _ in 0..<1000 { #expect(quiet.heartbeat == beat) }
  leave.raise()
  try eventually("a heartbeat again") { quiet.heartbeat != beat }
  for object in [busy, quiet] { try object.disconnect() }
}

@Test func readyLinesAreServedInTurns() throws {
  let group = try DispatcherGroup(attributes: DispatcherAttributes(waiting: .block))
  let gate = try SoftwareLine()
  let entered = Signal()
  let leave = Signal()
  let holding = try member(gate, group) {
    entered.raise()
    leave.take()
    return .success
  }
  let order = Journal<Int>()
  let lock = InterruptLock()
  let pipes = try (0..<4).map { _ in try Pipe() }
  let objects = try pipes.enumerated().map { index, pipe in
    let object = InterruptSyncObject(
      source: pipe.line, mode: .normal, lock: lock, options: InterruptSyncOptions(group: group))
    try object.registerServiceRoutine {
      order.entries.append(index)
      return .success
    }
    try object.connect()
    return object
  }
  try holding.connect()
  gate.trigger()
  try entered.wait("the thread to be held up")
  for pipe in pipes { for _ in 0..<10 { pipe.interrupt() } }
  leave.raise()
  for object in objects { try object.awaitDispatches(10) }
  for object in objects + [holding] { try object.disconnect() }
  // Forty dispatches in rounds of four, each line once a round.
  let rounds = stride(from: 0, to: 40, by: 4).map { Set(order.entries[$0..<$0 + 4]) }
  #expect(rounds.allSatisfy { $0 == [0, 1, 2, 3] }, "\(order.entries)")
}

@Test func aStormAndAnEndDisturbNoOtherMember() throws {
  let group = try DispatcherGroup()
  let log = ReportLog()
  let device = FakeDevice()
  let pipe = try Pipe()
  let line = try SoftwareLine()
  let storming = try member(
    device, group, storm: StormPolicy(limit: 1, action: .stayMasked),
    report: Reporting(handler: log.handler)
  ) { .unsuccessful }
  let ending = try member(pipe.line, group, report: Reporting(handler: log.handler))
  let steady = try member(line, group)
  for object in [storming, ending, steady] { try object.connect() }
  device.interrupt()
  try log.await(["stormBegan"])
  pipe.closeWriter()
  try log.await(["stormBegan", "removed"])
  for count in 1...UInt64(100) {
    line.trigger()
    try steady.awaitInterrupts(count)
  }
  #expect(storming.state == .storming && ending.state == .ended && steady.state == .connected)
  #expect(group.lineCount == 3)
  for object in [storming, ending, steady] { try object.disconnect() }
  #expect(group.lineCount == 0)
}

@Test func brakedAndEndedLinesCostNoProcessorTime() throws {
  let group = try DispatcherGroup(attributes: DispatcherAttributes(waiting: .block))
  let log = ReportLog()
  let line = try SoftwareLine()
  let pipe = try Pipe()
  let thread = Counter()
  let storming = try member(
    line, group, storm: StormPolicy(limit: 1, action: .stayMasked),
    report: Reporting(handler: log.handler)
  ) {
    thread.set(Int(currentThread()))
    return .unsuccessful
  }
  let ending = try member(pipe.line, group, report: Reporting(handler: log.handler))
  try storming.connect()
  try ending.connect()
  line.trigger()
  try log.await(["stormBegan"])
  pipe.closeWriter()
  try log.await(["stormBegan", "removed"])
  // Ready forever, both of them.
  line.trigger()
  try awaitSleep(of: UInt32(thread.value))
  let before = group.statistics().sleeps
  usleep(300_000)
  #expect(group.statistics().sleeps - before < 20)
  #expect(storming.statistics().dispatches == 1)
}

@Test func aReportHandlerMayDisconnectAnotherMember() throws {
  let group = try DispatcherGroup()
  let other = try SoftwareLine()
  let victim = try member(other, group)
  try victim.connect()
  let line = try SoftwareLine()
  let failures = Counter()
  let done = Signal()
  let object = try member(
    line, group, mode: .repeat, repeatLimit: 1,
    report: Reporting { _ in
      if failure({ try victim.disconnect() }) != nil { failures.add() }
      if victim.state != .disconnected { failures.add() }
      if failure({ try victim.connect() }) != nil { failures.add() }
      done.raise()
    })
  try object.connect()
  for count in 1...UInt64(20) {
    line.trigger()
    try done.wait("the report")
    other.trigger()
    try victim.awaitInterrupts(count)
  }
  #expect(failures.value == 0)
  try object.disconnect()
  try victim.disconnect()
}

@Test func N12_aMembersLastReferenceMayGoInAnothersRoutine() throws {
  for _ in 0..<repetitions(50) {
    let group = try DispatcherGroup()
    let other = try SoftwareLine()
    let holder = Holder<InterruptSyncObject>(try member(other, group))
    try holder.value?.connect()
    let line = try SoftwareLine()
    let object = try member(line, group) {
      holder.value = nil
      return .success
    }
    try object.connect()
    other.trigger()
    line.trigger()
    try eventually("the member to leave") { group.lineCount == 1 }
    try object.disconnect()
  }
}

@Test func N12_aMembersLastReferenceMayGoInASynchronizedRoutineOfAnother() throws {
  let group = try DispatcherGroup()
  let line = try SoftwareLine()
  let object = try member(line, group)
  try object.connect()
  for _ in 0..<repetitions(100) {
    let holder = Holder<InterruptSyncObject>(try member(try SoftwareLine(), group))
    try holder.value?.connect()
    // The group's thread will wait for the very lock that the caller holds.
    try object.callSynchronizedRoutine {
      line.trigger()
      holder.value = nil
    }
  }
  try eventually("the members to leave") { group.lineCount == 1 }
  try object.disconnect()
}

@Test func disconnectFromARoutineOfAnotherMemberIsRefused() throws {
  let group = try DispatcherGroup()
  let victim = try member(try SoftwareLine(), group)
  try victim.connect()
  let line = try SoftwareLine()
  let codes = Journal<InterruptSyncError.Code?>()
  let object = try member(line, group) {
    codes.entries.append(failure { try victim.disconnect() }?.code)
    // A routine may have lowered its level (KeLowerIrql): the lock is still a reason.
    let level = cuio_thread_set_level(0)
    codes.entries.append(failure { try victim.disconnect() }?.code)
    codes.entries.append(failure { try victim.connect() }?.code)
    _ = cuio_thread_set_level(level)
    return .success
  }
  try object.connect()
  line.trigger()
  try object.awaitDispatches(1)
  #expect(codes.entries == [.wrongLevel, .wouldDeadlock, .wouldDeadlock])
  #expect(victim.state == .connected)
  try object.disconnect()
  try victim.disconnect()
}

@Test func aGroupEndsWithItsLastReference() throws {
  let line = try SoftwareLine()
  let isGone = Flag()
  weak var seen: DispatcherGroup?
  do {
    let group = try DispatcherGroup()
    seen = group
    let object = try member(line, group)
    try object.connect()
    line.trigger()
    try object.awaitDispatches(1)
  }
  try eventually("the end of the group") { seen == nil }
  isGone.raise()
  // And inside a report handler, on its own thread.
  let holder = Holder<InterruptSyncObject>()
  let done = Signal()
  holder.value = try member(
    line, try DispatcherGroup(), mode: .repeat, repeatLimit: 1,
    report: Reporting { _ in
      holder.value = nil
      done.raise()
    })
  try holder.value?.connect()
  line.trigger()
  try done.wait("the report")
  let next = try member(line, try DispatcherGroup())
  try eventually("the line to be free") { failure { try next.connect() } == nil }
  try next.disconnect()
}

@Test func aGroupsThreadRunsAsItsAttributesSay() throws {
  let log = ReportLog()
  let group = try DispatcherGroup(
    name: "a rather long name", attributes: DispatcherAttributes(processors: [0]),
    report: log.handler)
  #expect(log.kinds == [])
  let line = try SoftwareLine()
  let seen = Journal<(name: String, processors: UInt64)>()
  let object = try member(line, group) {
    var words: [UInt64] = [0]
    _ = linux_thread_get_affinity(pthread_self(), &words, 1)
    seen.entries.append((threadStatus(currentThread())?.name ?? "", words[0]))
    return .success
  }
  try object.connect()
  line.trigger()
  try object.awaitDispatches(1)
  try object.disconnect()
  #expect(seen.entries.first?.name == "a rather long n")
  #expect(seen.entries.first?.processors == 1)
  #expect(group.statistics().sleeps > 0)
  // The figures of waiting are the group's.
  #expect(object.statistics().sleeps == 0)
}

@Test func whatAGroupIsRefusedIsReported() throws {
  let log = ReportLog()
  _ = try DispatcherGroup(
    attributes: DispatcherAttributes(processors: [1023]), report: log.handler)
  #expect(log.kinds == ["attributeRefused"])
}

@Test func aGroupSpinsAndSleeps() throws {
  let group = try DispatcherGroup(
    attributes: DispatcherAttributes(waiting: .adaptive(budget: .milliseconds(1))))
  let line = try SoftwareLine()
  let object = try member(line, group)
  try object.connect()
  try eventually("spins that find and spins in vain; \(group.statistics())") {
    line.trigger()
    let statistics = group.statistics()
    return statistics.spinsFound > 0 && statistics.spinsInVain > 0 && statistics.sleeps > 0
  }
  try object.disconnect()
}

@Test func N16_noThreadForAGroup() throws {
  let code = failure {
    try DispatcherGroup(attributes: DispatcherAttributes(stackSize: 1 << 52))
  }?.code
  #expect(code == .resourcesExhausted)
}

@Test func aLineThatCannotBeWaitedForIsRefusedByAGroup() throws {
  let line = FileLine(open("/proc/self/status", O_RDONLY))
  let object = try member(line, try DispatcherGroup())
  let error = failure { try object.connect() }
  #expect(error?.code == .resourcesExhausted && error?.errorNumber == EPERM)
  #expect(object.state == .disconnected)
  // And the line is free.
  #expect(failure { try object.connect() }?.errorNumber == EPERM)
}

/// A line over a file that epoll(7) does not take.
private final class FileLine: InterruptSource, @unchecked Sendable {
  let name = "file"
  private let raw = UnsafeMutablePointer<cuio_line>.allocate(capacity: 1)

  init(_ descriptor: Int32) {
    raw.initialize(
      to: cuio_line(
        fd: descriptor, rearm_fd: -1, format: CUIO_COUNT_TOTAL32, rearm: CUIO_REARM_NONE, total: 0,
        command: 0, hooks: 0))
  }

  deinit {
    close(raw.pointee.fd)
    raw.deallocate()
  }

  func attach() throws(InterruptSyncError) -> InterruptLine { InterruptLine(raw) }
  func detach() {}
  func failure(_ operation: InterruptLineOperation, errno: Int32) -> InterruptSyncError {
    InterruptSyncError(
      .lineFailed, object: name, operation: operation.rawValue, cause: "the file failed",
      errno: errno)
  }
}
