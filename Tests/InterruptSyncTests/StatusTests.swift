// N5, N16, N20's Repeat guard and T8: what statuses mean.
import Testing

@testable import InterruptSync
import UIO

/// Whether one dispatch whose routine returns `status` is handled.
private func isHandled(_ status: NTStatus, acceptsAnySuccess: Bool) throws -> Bool {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(
    source: line, mode: .normal,
    options: InterruptSyncOptions(acceptsAnySuccess: acceptsAnySuccess))
  try object.registerServiceRoutine { status }
  try object.connect()
  line.trigger()
  try object.awaitDispatches(1)
  try object.disconnect()
  return object.statistics().claimed == 1
}

@Test(arguments: [NTStatus.success, .timeout, .deviceBusy, .unsuccessful, .init(rawValue: .max)])
func N5_handledIsExactlySuccessUnlessAllowed(_ status: NTStatus) throws {
  #expect(try isHandled(status, acceptsAnySuccess: false) == (status == .success))
  #expect(try isHandled(status, acceptsAnySuccess: true) == (status.rawValue >= 0))
}

@Test func N16_errorsHaveTheirStatus() {
  let expected: [InterruptSyncError.Code: NTStatus] = [
    .wouldDeadlock: .possibleDeadlock, .wrongLevel: .invalidDeviceState,
    .alreadyConnected: .invalidDeviceState, .noServiceRoutines: .unsuccessful,
    .lineBusy: .deviceBusy, .busy: .deviceBusy, .removed: .notFound, .lineFailed: .unsuccessful,
    .resourcesExhausted: .insufficientResources, .lockOwnerDied: .unsuccessful,
    .invalidArgument: .invalidParameter, .otherProcess: .unsuccessful,
  ]
  for code in InterruptSyncError.Code.allCases {
    let error = InterruptSyncError(code, object: "o", operation: "p", cause: "c")
    #expect(error.status == expected[code])
  }
}

@Test func N16_whatTheDeviceSaidDecides() {
  let expected: [(UIOError.Code, InterruptSyncError.Code, NTStatus)] = [
    (.notFound, .removed, .notFound), (.removed, .removed, .notFound),
    (.permissionDenied, .lineFailed, .accessDenied), (.busy, .lineFailed, .deviceBusy),
    (.resourcesExhausted, .resourcesExhausted, .insufficientResources),
    (.driverFailed, .lineFailed, .unsuccessful), (.noInterrupt, .lineFailed, .unsuccessful),
  ]
  for (device, code, status) in expected {
    let said = UIOError(
      device, device: "uio0", operation: "open", cause: "some cause", hint: "some hint", errno: 13)
    let error = InterruptSyncError(object: "card", operation: "connect", said)
    #expect(error.code == code)
    #expect(error.status == status)
    #expect(error.device == said)
    #expect(error.description == "card: connect: some cause (EACCES)\n  hint: some hint")
  }
}

@Test func statusesPrintAndSortAsWindowsDoes() {
  #expect(NTStatus.success.description == "0x00000000")
  #expect(NTStatus.possibleDeadlock.description == "0xC0000194")
  #expect(NTStatus.timeout.isSuccess && !NTStatus.deviceBusy.isSuccess)
  #expect(NTStatus(rawValue: -1).description == "0xFFFFFFFF")
}

@Test(arguments: [1, 7, 1000] as [UInt64])
func T8_theRepeatGuardEndsADispatchAndSaysSo(_ limit: UInt64) throws {
  let line = try SoftwareLine()
  let log = ReportLog()
  let object = InterruptSyncObject(
    source: line, mode: .repeat,
    options: InterruptSyncOptions(repeatLimit: limit, report: log.handler))
  let registration = try object.registerServiceRoutine { .success }
  try object.connect()
  for turn in 1...2 {
    line.trigger()
    try log.await(.init(repeating: "repeatLimitReached", count: turn))
    try object.awaitDispatches(UInt64(turn))
  }
  try object.disconnect()
  let statistics = object.statistics()
  // Ended, but handled: never taken for a storm (N20).
  #expect(statistics.claimed == 2 && statistics.unclaimed == 0)
  #expect(statistics.passes == 2 * limit)
  #expect(registration.statistics.calls == 2 * limit)
  #expect(statistics.repeatLimits == 2)
  for report in log.all {
    guard case .repeatLimitReached(let passes) = report else { continue }
    #expect(passes == limit)
  }
}

@Test func T8_aRepeatThatComesToACleanPassInTimeIsNotReported() throws {
  let line = try SoftwareLine()
  let log = ReportLog()
  let object = InterruptSyncObject(
    source: line, mode: .repeat,
    options: InterruptSyncOptions(repeatLimit: 5, report: log.handler))
  let claims = Journal<Int>()
  try object.registerServiceRoutine {
    claims.entries.append(0)
    return claims.entries.count < 5 ? .success : .unsuccessful
  }
  try object.connect()
  line.trigger()
  try object.awaitDispatches(1)
  try object.disconnect()
  #expect(object.statistics().passes == 5)
  #expect(log.kinds == [])
}

@Test func T8_limitZeroLetsRepeatGoOn() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(
    source: line, mode: .repeat, options: InterruptSyncOptions(repeatLimit: 0))
  let claims = Journal<Int>()
  claims.entries = [0]
  try object.registerServiceRoutine {
    claims.entries[0] += 1
    return claims.entries[0] <= 5000 ? .success : .unsuccessful
  }
  try object.connect()
  line.trigger()
  try object.awaitDispatches(1)
  try object.disconnect()
  #expect(object.statistics().passes == 5001)
  #expect(object.statistics().repeatLimits == 0)
}
