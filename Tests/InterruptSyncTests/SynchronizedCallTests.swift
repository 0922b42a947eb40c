// P30 to P34, N2, N3 and T3: what a caller of a synchronized routine gets.
import Testing
import TestSupport

@testable import InterruptSync

/// A call's own parameters; two callers must never see each other's (N2).
private final class Call {
  let number: Int32
  var runs = 0
  init(_ number: Int32) { self.number = number }
}

private let answer: InterruptSyncRoutine = { _, context in
  let call = Unmanaged<Call>.fromOpaque(context!).takeUnretainedValue()
  call.runs += 1
  return call.number
}

private let refuse: InterruptSyncRoutine = { _, context in
  let call = Unmanaged<Call>.fromOpaque(context!).takeUnretainedValue()
  call.runs += 1
  return -call.number
}

@Test func P33_theRoutinesOwnStatusComesBackVerbatim() throws {
  let object = InterruptSyncObject(source: try SoftwareLine(), mode: .normal)
  for value: Int32 in [0, 1, 0x102, .max, .min, -1, NTStatus.ioDeviceError.rawValue] {
    let call = Call(value)
    let context = Unmanaged.passUnretained(call).toOpaque()
    #expect(object.callSynchronizedRoutine(answer, context: context).rawValue == value)
    #expect(call.runs == 1)
  }
  #expect(try object.callSynchronizedRoutine { "text" } == "text")
}

@Test func P34_callsWorkBeforeDuringAndAfterConnection() throws {
  let object = InterruptSyncObject(source: try SoftwareLine(), mode: .normal)
  try object.registerServiceRoutine { .success }
  #expect(try object.callSynchronizedRoutine { 1 } == 1)
  try object.connect()
  #expect(try object.callSynchronizedRoutine { 2 } == 2)
  try object.disconnect()
  #expect(try object.callSynchronizedRoutine { 3 } == 3)
  #expect(object.statistics().synchronizedCalls == 3)
}

@Test func P9_aRoutineRunsInTheCallersThread() throws {
  let object = InterruptSyncObject(source: try SoftwareLine(), mode: .normal)
  let caller = currentThread()
  #expect(try object.callSynchronizedRoutine { currentThread() } == caller)
}

@Test func T3_concurrentCallersEachGetTheirOwn() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .normal)
  try object.registerServiceRoutine { .success }
  try object.connect()
  let wrong = Counter()
  let perCaller = repetitions(20_000)
  let callers = (0..<4).map { thread in
    Worker {
      for turn in 0..<perCaller {
        let number = Int32(1 + thread * perCaller + turn)
        let call = Call(number)
        let context = Unmanaged.passUnretained(call).toOpaque()
        let status =
          thread % 2 == 0
          ? object.callSynchronizedRoutine(answer, context: context)
          : object.callSynchronizedRoutine(refuse, context: context)
        if status.rawValue != (thread % 2 == 0 ? number : -number) { wrong.add() }
        if call.runs != 1 { wrong.add() }
        if turn % 16 == 0 { line.trigger() }
      }
    }
  }
  for caller in callers { try caller.join() }
  try object.disconnect()
  #expect(wrong.value == 0)
  #expect(object.statistics().synchronizedCalls == UInt64(4 * perCaller))
}

@Test func P30_theLockIsSharedOnlyByThoseWhoWereGivenIt() throws {
  let lock = InterruptLock()
  let line = try SoftwareLine()
  let one = InterruptSyncObject(source: line, mode: .normal, lock: lock)
  let two = InterruptSyncObject(source: line, mode: .normal, lock: lock)
  let other = InterruptSyncObject(source: line, mode: .normal)
  #expect(one.lock === lock && two.lock === lock && other.lock !== lock)
  try one.callSynchronizedRoutine {
    #expect(one.lock.isHeldByCaller && two.lock.isHeldByCaller && !other.lock.isHeldByCaller)
    #expect(failure { try other.callSynchronizedRoutine {} } == nil)
  }
  #expect(!lock.isHeldByCaller)
}
