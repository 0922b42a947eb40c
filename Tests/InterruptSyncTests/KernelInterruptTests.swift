// N14, P28, P29, K1 to K4: the handle behind GetKInterrupt.
import Testing

@testable import InterruptSync

private let raise: KInterrupt.Routine = { context in
  Unmanaged<Flag>.fromOpaque(context!).takeUnretainedValue().raise()
  return 1
}

private func connected(_ line: SoftwareLine) throws -> InterruptSyncObject {
  let object = InterruptSyncObject(source: line, mode: .normal)
  try object.registerServiceRoutine { .success }
  try object.connect()
  return object
}

@Test func N14_thereIsAHandleOnlyWhileConnected() throws {
  let object = InterruptSyncObject(source: try SoftwareLine(), mode: .normal)
  try object.registerServiceRoutine { .success }
  #expect(object.getKInterrupt() == nil)
  try object.connect()
  #expect(object.getKInterrupt()?.isValid == true)
  try object.disconnect()
  #expect(object.getKInterrupt() == nil)
}

@Test func K3_theRoutinesOwnResultComesBack() throws {
  let object = try connected(try SoftwareLine())
  let handle = try #require(object.getKInterrupt())
  #expect(try handle.synchronizeExecution({ _ in 1 }, context: nil))
  #expect(try handle.synchronizeExecution({ _ in 0xff }, context: nil))
  #expect(try !handle.synchronizeExecution({ _ in 0 }, context: nil))
  #expect(object.statistics().synchronizedCalls == 3)
}

@Test func P29_theHandleTakesTheObjectsLock() throws {
  let object = try connected(try SoftwareLine())
  let handle = try #require(object.getKInterrupt())
  let context = Unmanaged.passUnretained(object).toOpaque()
  let isHeld = try handle.synchronizeExecution(
    { context in
      let object = Unmanaged<InterruptSyncObject>.fromOpaque(context!).takeUnretainedValue()
      return object.lock.isHeldByCaller && InterruptLevel.current == .device ? 1 : 0
    }, context: context)
  #expect(isHeld)
  #expect(!object.lock.isHeldByCaller)
  #expect(InterruptLevel.current == .passive)
}

@Test func N14_aHandleOfAnEarlierConnectionIsStale() throws {
  let object = try connected(try SoftwareLine())
  let stale = try #require(object.getKInterrupt())
  try object.disconnect()
  let ran = Flag()
  let context = Unmanaged.passUnretained(ran).toOpaque()
  #expect(!stale.isValid)
  #expect(failure { try stale.synchronizeExecution(raise, context: context) }?.code == .removed)
  try object.connect()
  #expect(!stale.isValid)
  #expect(failure { try stale.synchronizeExecution(raise, context: context) }?.code == .removed)
  #expect(!ran.isUp)
  #expect(!object.lock.isHeldByCaller)
  #expect(InterruptLevel.current == .passive)
  let fresh = try #require(object.getKInterrupt())
  #expect(try fresh.synchronizeExecution(raise, context: context))
  #expect(ran.isUp)
}

@Test func N14_aHandleOutlivesItsObject() throws {
  var object: InterruptSyncObject? = try connected(try SoftwareLine())
  let handle = try #require(object?.getKInterrupt())
  object = nil
  #expect(!handle.isValid)
  #expect(failure { try handle.synchronizeExecution({ _ in 1 }, context: nil) }?.code == .removed)
}

@Test func P28_theHandleCanBeHadInsideAServiceRoutine() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .normal)
  let handles = Journal<KInterrupt?>()
  try object.registerServiceRoutine { [unowned object] in
    handles.entries.append(object.getKInterrupt())
    return .success
  }
  try object.connect()
  line.trigger()
  try object.awaitDispatches(1)
  #expect(handles.entries.first??.isValid == true)
  try object.disconnect()
}
