// Facts 7 to 10 and N19: what the dispatcher makes of the counts it reads.
import CUIO
import Glibc
import Testing

@testable import InterruptSync

/// Sends totals after `start`, one dispatch each, and gives what was made of them.
private func count(from start: UInt32, _ totals: [UInt32]) throws -> InterruptStatistics {
  let pipe = try Pipe(total: start)
  let object = InterruptSyncObject(source: pipe.line, mode: .normal)
  try object.registerServiceRoutine { .success }
  try object.connect()
  for (index, total) in totals.enumerated() {
    pipe.send(total)
    try object.awaitDispatches(UInt64(index + 1))
  }
  try object.disconnect()
  let statistics = object.statistics()
  #expect(statistics.dispatches == UInt64(totals.count))
  return statistics
}

@Test func fact8_aPlainCount() throws {
  let statistics = try count(from: 0, [1, 2, 3])
  #expect(statistics.interrupts == 3 && statistics.coalesced == 0)
}

@Test func fact8_theWrapThroughTheLargestPositiveCount() throws {
  let top = UInt32(bitPattern: Int32.max)
  let statistics = try count(from: top - 1, [top, top + 1, top + 2])
  #expect(statistics.interrupts == 3 && statistics.coalesced == 0)
}

@Test func fact8_theWrapThroughMinusOneToZero() throws {
  let statistics = try count(from: .max - 1, [.max, 0, 1])
  #expect(statistics.interrupts == 3 && statistics.coalesced == 0)
}

@Test func fact8_aJumpAcrossTheWrap() throws {
  let statistics = try count(from: .max - 2, [4, UInt32(bitPattern: -1)])
  #expect(statistics.interrupts == 7 + (UInt64(UInt32.max) - 4))
  #expect(statistics.coalesced == 6 + (UInt64(UInt32.max) - 5))
}

@Test func fact9_anEqualCountIsADispatchWithoutAnInterrupt() throws {
  // The kernel never says it twice; a writer of a pipe can, and nothing may go wrong.
  let statistics = try count(from: 5, [5, 5, 6])
  #expect(statistics.interrupts == 1 && statistics.coalesced == 0)
}

@Test func N19_coalescedInterruptsRunTheRoutinesOnce() throws {
  let statistics = try count(from: 0, [10])
  #expect(statistics.interrupts == 10 && statistics.coalesced == 9)
  #expect(statistics.routines.map(\.calls) == [1])
}

@Test func anEventCounterCountsByAddition() throws {
  let fd = linux_event_create()
  defer { close(fd) }
  let line = try FileDescriptorLine(fd, format: .eventCounter)
  let object = InterruptSyncObject(source: line, mode: .normal)
  try object.registerServiceRoutine { .success }
  try object.connect()
  for (turn, amount) in [1, 5, 1].enumerated() {
    #expect(linux_event_signal(fd, UInt64(amount)) == 0)
    try object.awaitDispatches(UInt64(turn + 1))
  }
  try object.disconnect()
  #expect(object.statistics().interrupts == 7)
  #expect(object.statistics().coalesced == 4)
}

@Test func theLargestAdditionIsCountedWhole() throws {
  let fd = linux_event_create()
  defer { close(fd) }
  let line = try FileDescriptorLine(fd, format: .eventCounter)
  let object = InterruptSyncObject(source: line, mode: .normal)
  try object.registerServiceRoutine { .success }
  #expect(linux_event_signal(fd, .max - 1) == 0)
  try object.connect()
  try object.awaitDispatches(1)
  #expect(object.statistics().interrupts == UInt64.max - 1)
  #expect(object.statistics().coalesced == UInt64.max - 2)
}

@Test func theDescriptorStaysTheCallers() throws {
  let fd = linux_event_create()
  defer { close(fd) }
  var line: FileDescriptorLine? = try FileDescriptorLine(fd, format: .eventCounter)
  #expect(line?.name == "descriptor")
  line = nil
  #expect(fcntl(fd, F_GETFD) >= 0)
}

@Test func aClosedDescriptorIsNoLine() {
  let error = failure { try FileDescriptorLine(-1, format: .totals) }
  #expect(error?.code == .invalidArgument)
  #expect(error?.errorNumber == EBADF)
  #expect(error?.status == .invalidParameter)
}

@Test func theTotalOfALineIsTheLastThatWasRead() throws {
  let pipe = try Pipe(total: 40)
  let object = InterruptSyncObject(source: pipe.line, mode: .normal)
  try object.registerServiceRoutine { .success }
  try object.connect()
  pipe.interrupt(2)
  try object.awaitDispatches(1)
  try object.disconnect()
  let line = try pipe.line.attach()
  #expect(line.total == 42)
  pipe.line.detach()
}
