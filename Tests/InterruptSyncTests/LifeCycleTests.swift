// T6: created, connected, disconnected, and the transitions nobody hopes for.
import Glibc
import Testing
import TestSupport

@testable import InterruptSync

@Test func N4_disconnectFromARoutineIsRefused() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .normal)
  let codes = Journal<InterruptSyncError.Code?>()
  try object.registerServiceRoutine { [unowned object] in
    codes.entries.append(failure { try object.disconnect() }?.code)
    return .success
  }
  try object.connect()
  line.trigger()
  try object.awaitDispatches(1)
  #expect(object.state == .connected)
  line.trigger()
  try object.awaitDispatches(2)
  try object.disconnect()
  #expect(codes.entries == [.wouldDeadlock, .wouldDeadlock])
}

@Test func N9_aSecondConnectLeavesTheFirstConnectionAlive() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .normal)
  try object.registerServiceRoutine { .success }
  try object.connect()
  let error = failure { try object.connect() }
  #expect(error?.code == .alreadyConnected)
  #expect(error?.status == .invalidDeviceState)
  let other = try SoftwareLine(name: "other")
  #expect(failure { try object.connect(to: other) }?.code == .alreadyConnected)
  #expect(object.state == .connected)
  line.trigger()
  try object.awaitDispatches(1)
  try object.disconnect()
}

@Test func N9_anEmptyListIsRefusedUnlessAllowed() throws {
  let line = try SoftwareLine()
  let strict = InterruptSyncObject(source: line, mode: .normal)
  let error = failure { try strict.connect() }
  #expect(error?.code == .noServiceRoutines)
  #expect(error?.status == .unsuccessful)
  #expect(strict.state == .disconnected)
  let lenient = InterruptSyncObject(
    source: line, mode: .normal, options: InterruptSyncOptions(connectsWithoutRoutines: true))
  try lenient.connect()
  line.trigger()
  try lenient.awaitDispatches(1)
  #expect(lenient.statistics().unclaimed == 1)
}

@Test func P26_disconnectWithoutAConnectionIsHarmless() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .normal)
  try object.disconnect()
  try object.registerServiceRoutine { .success }
  try object.connect()
  try object.disconnect()
  try object.disconnect()
  #expect(object.state == .disconnected)
}

@Test func P24_theListSurvivesDisconnect() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .all)
  let calls = Journal<Int>()
  for index in 0..<3 {
    try object.registerServiceRoutine(first: true) {
      calls.entries.append(index)
      return .success
    }
  }
  for turn in 1...2 {
    try object.connect()
    line.trigger()
    try object.awaitDispatches(UInt64(turn))
    try object.disconnect()
  }
  #expect(calls.entries == [2, 1, 0, 2, 1, 0])
}

@Test func N13_reconnectingAThousandTimesLosesNoInterrupt() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .normal)
  try object.registerServiceRoutine { .success }
  let reconnects = repetitions(1000)
  for turn in 0..<reconnects {
    try object.connect()
    line.trigger()
    // Every other time before the interrupt can have been served.
    if turn % 2 == 0 { try object.awaitInterrupts(UInt64(turn + 1)) }
    try object.disconnect()
  }
  try object.connect()
  try object.awaitInterrupts(UInt64(reconnects))
  try object.disconnect()
  #expect(object.statistics().interrupts == UInt64(reconnects))
}

@Test func N10_whatCameWhileDisconnectedIsDeliveredOnConnect() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .normal)
  try object.registerServiceRoutine { .success }
  line.trigger(2)
  try object.connect()
  try object.awaitDispatches(1)
  try object.disconnect()
  line.trigger(3)
  #expect(object.statistics().interrupts == 2)
  try object.connect()
  try object.awaitDispatches(2)
  try object.disconnect()
  let statistics = object.statistics()
  #expect(statistics.interrupts == 5)
  #expect(statistics.dispatches == 2)
  #expect(statistics.coalesced == 3)
}

@Test func N13_theTotalContinuesAcrossConnections() throws {
  let pipe = try Pipe(total: 100)
  let object = InterruptSyncObject(source: pipe.line, mode: .normal)
  try object.registerServiceRoutine { .success }
  for turn: UInt32 in 1...3 {
    try object.connect()
    pipe.interrupt(turn)
    try object.awaitDispatches(UInt64(turn))
    try object.disconnect()
  }
  #expect(object.statistics().interrupts == 1 + 2 + 3)
}

@Test func N13_connectingToAnotherLineKeepsListAndStatistics() throws {
  let lines = try (0..<3).map { try SoftwareLine(name: "line \($0)") }
  let object = InterruptSyncObject(source: lines[0], mode: .normal)
  let registration = try object.registerServiceRoutine { .success }
  for (index, line) in lines.enumerated() {
    try object.connect(to: line)
    line.trigger()
    try object.awaitDispatches(UInt64(index + 1))
    try object.disconnect()
  }
  #expect(registration.statistics.calls == 3)
  // connect() without a line takes the last one.
  lines[2].trigger()
  lines[0].trigger()
  try object.connect()
  try object.awaitDispatches(4)
  try object.disconnect()
  #expect(object.statistics().interrupts == 4)
}

@Test func N13_aLineThatCouldNotBeConnectedIsNotRemembered() throws {
  let line = try SoftwareLine(name: "first")
  let busy = try SoftwareLine(name: "busy")
  _ = try busy.attach()
  let object = InterruptSyncObject(source: line, mode: .normal)
  try object.registerServiceRoutine { .success }
  #expect(failure { try object.connect(to: busy) }?.code == .lineBusy)
  busy.detach()
  line.trigger()
  try object.connect()
  try object.awaitDispatches(1)
}

@Test func aLineServesOneObjectAtATime() throws {
  let line = try SoftwareLine(name: "shared")
  let one = InterruptSyncObject(source: line, mode: .normal)
  let two = InterruptSyncObject(source: line, mode: .normal)
  try one.registerServiceRoutine { .success }
  try two.registerServiceRoutine { .success }
  try one.connect()
  let error = failure { try two.connect() }
  #expect(error?.code == .lineBusy)
  #expect(error?.status == .deviceBusy)
  #expect(error?.object == "shared")
  try one.disconnect()
  try two.connect()
  line.trigger()
  try two.awaitDispatches(1)
  #expect(one.statistics().dispatches == 0)
}

@Test func P22_aRoutineMayRunBeforeConnectReturns() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .normal)
  let first = Signal()
  try object.registerServiceRoutine {
    first.raise()
    return .success
  }
  line.trigger()
  try object.connect()
  try first.wait("the first call")
}

@Test func connectsFromManyThreadsMakeOneConnection() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .normal)
  try object.registerServiceRoutine { .success }
  for _ in 0..<repetitions(50) {
    let connected = Counter()
    let refused = Counter()
    let threads = (0..<4).map { _ in
      Worker {
        switch failure({ try object.connect() })?.code {
        case nil: connected.add()
        case .alreadyConnected: refused.add()
        default: break
        }
      }
    }
    for thread in threads { try thread.join() }
    #expect(connected.value == 1)
    #expect(refused.value == 3)
    try object.disconnect()
  }
}
