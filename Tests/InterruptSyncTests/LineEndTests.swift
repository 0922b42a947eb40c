// Facts 13, 21 and 22: a line that ends or fails is reported once, and its thread ends.
import CUIO
import Glibc
import Testing

@testable import InterruptSync

/// A connected object over a pipe, and the thread that dispatches it.
private struct Ending {
  let pipe: Pipe
  let log = ReportLog()
  let object: InterruptSyncObject
  private let tid = Counter()

  init() throws {
    pipe = try Pipe()
    object = InterruptSyncObject(
      source: pipe.line, mode: .normal, options: InterruptSyncOptions(report: log.handler))
    try object.registerServiceRoutine { [tid] in
      tid.set(Int(currentThread()))
      return .success
    }
    try object.connect()
    pipe.interrupt()
    try object.awaitDispatches(1)
  }

  func awaitThreadsEnd() throws {
    try eventually("the dispatcher's end") { threadStatus(UInt32(tid.value)) == nil }
  }
}

@Test func aClosedWriterEndsTheLineOnce() throws {
  let ending = try Ending()
  ending.pipe.closeWriter()
  try ending.log.await(["removed"])
  #expect(ending.object.state == .ended)
  try ending.awaitThreadsEnd()
  let error = ending.log.all.first?.error
  #expect(ending.log.kinds == ["removed"])
  #expect(error?.code == .removed)
  #expect(error?.errorNumber == EPIPE)
  #expect(error?.status == .notFound)
  try ending.object.disconnect()
  #expect(ending.object.state == .disconnected)
}

@Test func whatWasWrittenBeforeTheEndIsServed() throws {
  let ending = try Ending()
  try ending.object.callSynchronizedRoutine {
    for _ in 0..<5 { ending.pipe.interrupt() }
    ending.pipe.closeWriter()
  }
  try ending.log.await(["removed"])
  #expect(ending.object.statistics().interrupts == 6)
}

@Test func aShortRecordFailsTheLineOnce() throws {
  let ending = try Ending()
  ending.pipe.send(bytes: [1, 2])
  try ending.log.await(["failed"])
  #expect(ending.object.state == .ended)
  try ending.awaitThreadsEnd()
  ending.pipe.closeWriter()
  let error = ending.log.all.first?.error
  #expect(ending.log.kinds == ["failed"])
  #expect(error?.code == .lineFailed)
  #expect(error?.errorNumber == EBADMSG)
  #expect(error?.operation == "read the interrupt count")
  #expect(ending.object.statistics().dispatches == 1)
}

@Test func anEndedLineCanBeConnectedAgainAndEndsAgain() throws {
  let ending = try Ending()
  ending.pipe.closeWriter()
  try ending.log.await(["removed"])
  // connect() clears the old connection away by itself.
  try ending.object.connect()
  try ending.log.await(["removed", "removed"])
  #expect(ending.object.state == .ended)
}

@Test func anEndedObjectConnectsToAnotherLine() throws {
  let ending = try Ending()
  ending.pipe.closeWriter()
  try ending.log.await(["removed"])
  let line = try SoftwareLine()
  try ending.object.connect(to: line)
  line.trigger()
  try ending.object.awaitDispatches(2)
  #expect(ending.object.state == .connected)
  // The old line was given back.
  _ = try ending.pipe.line.attach()
}

@Test func anUnpluggedDeviceEndsTheLine() throws {
  let device = FakeDevice()
  let log = ReportLog()
  let object = InterruptSyncObject(
    source: device, mode: .normal, options: InterruptSyncOptions(report: log.handler))
  try object.registerServiceRoutine { .success }
  try object.connect()
  device.unplug()
  try log.await(["removed"])
  #expect(object.state == .ended)
  #expect(object.statistics().dispatches == 0)
  try object.disconnect()
  #expect(log.kinds == ["removed"])
}

@Test func aRecordOfAnotherLengthFailsADeviceToo() throws {
  let device = FakeDevice()
  let log = ReportLog()
  let object = InterruptSyncObject(
    source: device, mode: .normal, options: InterruptSyncOptions(report: log.handler))
  try object.registerServiceRoutine { .success }
  try object.connect()
  device.sendRecord(ofBytes: 3)
  try log.await(["failed"])
  #expect(log.all.first?.error?.errorNumber == EBADMSG)
  #expect(object.state == .ended)
}

@Test func aDeadLockOwnerEndsTheConnectionInsteadOfHangingIt() throws {
  let line = try SoftwareLine()
  let log = ReportLog()
  let object = InterruptSyncObject(
    source: line, mode: .normal, options: InterruptSyncOptions(report: log.handler))
  try object.registerServiceRoutine { .success }
  try object.connect()
  // An owner that no thread has: what is left of one that ended inside a routine.
  object.lock.setOwner(0x3fff_fffe)
  line.trigger()
  try log.await(["failed"])
  #expect(log.all.first?.error?.code == .lockOwnerDied)
  #expect(object.state == .ended)
  #expect(failure { try object.callSynchronizedRoutine {} }?.code == .lockOwnerDied)
  #expect(object.callSynchronizedRoutine({ _, _ in 0 }, context: nil) == .unsuccessful)
  try object.disconnect()
  #expect(object.lock.repair {})
  #expect(object.statistics().dispatches == 0)
}

@Test func anEndedLineTakesNoProcessorTime() throws {
  let ending = try Ending()
  #expect(try #require(ending.object.dispatcherCPUTime) > 0)
  ending.pipe.closeWriter()
  try ending.log.await(["removed"])
  // Not a thread that looks at a dead descriptor forever (fact 22): none at all.
  try ending.awaitThreadsEnd()
  try ending.object.disconnect()
  #expect(ending.object.dispatcherCPUTime == nil)
}

nonisolated(unsafe) private var handled: UInt32 = 0

/// Runs `body` on a thread on which SIGUSR1 is not blocked, which threads inherit.
private func withSignals(_ body: @escaping @Sendable () -> Void) throws {
  try Worker {
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, SIGUSR1)
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
    body()
  }.join()
}

@Test func noSignalHandlerEverRunsOnTheDispatcher() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .normal)
  let tid = Counter()
  try object.registerServiceRoutine {
    tid.set(Int(currentThread()))
    return .success
  }
  try withSignals { try? object.connect() }
  line.trigger()
  try object.awaitDispatches(1)
  let dispatcher = UInt32(tid.value)
  var action = sigaction()
  action.__sigaction_handler.sa_handler = { _ in cuio_flag_raise(&handled) }
  sigaction(SIGUSR1, &action, nil)
  // Sent to this very thread it stays pending; the dispatcher serves on.
  for turn in 2...20 {
    #expect(signalThread(dispatcher, SIGUSR1))
    line.trigger()
    try object.awaitDispatches(UInt64(turn))
  }
  #expect(object.state == .connected)
  try object.disconnect()
  #expect(!cuio_flag_is_up(&handled))
  // The handler does run where signals are not blocked.
  try withSignals { raise(SIGUSR1) }
  #expect(cuio_flag_is_up(&handled))
}
