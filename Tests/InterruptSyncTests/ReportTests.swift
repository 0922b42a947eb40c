// Reports: when they come, on which thread, and what a handler may do.
import CUIO
import Glibc
import Testing

@testable import InterruptSync

private let refusedProcessor = DispatcherAttributes(processors: [1023])

@Test func aRefusedAttributeIsReportedAndDoneWithout() throws {
  let line = try SoftwareLine()
  let log = ReportLog()
  let object = InterruptSyncObject(
    source: line, mode: .normal,
    options: InterruptSyncOptions(dispatcher: refusedProcessor, report: log.handler))
  try object.registerServiceRoutine { .success }
  try object.connect()
  line.trigger()
  try object.awaitDispatches(1)
  #expect(log.kinds == ["attributeRefused"])
  #expect(log.all.first?.error?.errorNumber == EINVAL)
  #expect(log.all.first?.error?.operation == "run on processors 1023")
}

@Test func theDispatcherRunsAsItsAttributesSay() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(
    source: line, mode: .normal,
    options: InterruptSyncOptions(
      dispatcher: DispatcherAttributes(processors: [0], name: "a rather long name")))
  let seen = Journal<(name: String, processors: UInt64)>()
  try object.registerServiceRoutine {
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
}

@Test func aHandlerMayDisconnectWhateverIsReported() throws {
  // Even the report that comes while connecting.
  let holder = Holder<InterruptSyncObject>()
  let isReported = Flag()
  let object = InterruptSyncObject(
    source: try SoftwareLine(), mode: .normal,
    options: InterruptSyncOptions(
      dispatcher: refusedProcessor,
      report: { _ in
        try? holder.value?.disconnect()
        isReported.raise()
      }))
  holder.value = object
  try object.registerServiceRoutine { .success }
  let connecting = Worker { try? object.connect() }
  try connecting.join("connect, whose report handler disconnects")
  #expect(isReported.isUp)
  #expect(object.state == .disconnected)
  holder.value = nil
}

@Test func aConnectionThatFailsReportsNothingAndHangsNowhere() throws {
  let device = FakeDevice()
  device.unplug()
  let log = ReportLog()
  let holder = Holder<InterruptSyncObject>()
  let object = InterruptSyncObject(
    source: device, mode: .normal,
    options: InterruptSyncOptions(report: { report in
      try? holder.value?.disconnect()
      log.handler(report)
    }))
  holder.value = object
  try object.registerServiceRoutine { .success }
  for _ in 0..<20 {
    let code = Holder<InterruptSyncError.Code>()
    let connecting = Worker { code.value = failure { try object.connect() }?.code }
    try connecting.join("connect to a device that is gone")
    #expect(code.value == .lineFailed)
    #expect(object.state == .disconnected)
  }
  #expect(log.kinds == [])
  #expect(device.attaches.value == 20 && device.detaches.value == 20)
  holder.value = nil
}

@Test func reportsComeFromTheDispatcherAtPassiveLevelWithoutTheLock() throws {
  let line = try SoftwareLine()
  let lock = InterruptLock()
  let dispatcher = Journal<UInt32>()
  let seen = Journal<(thread: UInt32, level: InterruptLevel, isHeld: Bool)>()
  let reported = Signal()
  let object = InterruptSyncObject(
    source: line, mode: .repeat, lock: lock,
    options: InterruptSyncOptions(
      repeatLimit: 1,
      report: { _ in
        seen.entries.append((currentThread(), .current, lock.isHeldByCaller))
        reported.raise()
      }))
  try object.registerServiceRoutine {
    dispatcher.entries.append(currentThread())
    return .success
  }
  try object.connect()
  line.trigger()
  try reported.wait("the report")
  try object.disconnect()
  #expect(seen.entries.first?.thread == dispatcher.entries.first)
  #expect(seen.entries.first?.level == .passive)
  #expect(seen.entries.first?.isHeld == false)
}

@Test func aHandlerMayConnectAnotherLine() throws {
  let pipe = try Pipe()
  let line = try SoftwareLine(name: "second")
  let holder = Holder<InterruptSyncObject>()
  let reconnected = Signal()
  let object = InterruptSyncObject(
    source: pipe.line, mode: .normal,
    options: InterruptSyncOptions(report: { report in
      guard report.kind == "removed" else { return }
      if failure({ try holder.value?.connect(to: line) }) == nil { reconnected.raise() }
    }))
  holder.value = object
  try object.registerServiceRoutine { .success }
  try object.connect()
  pipe.interrupt()
  try object.awaitDispatches(1)
  pipe.closeWriter()
  try reconnected.wait("the connection to the second line")
  #expect(object.state == .connected)
  line.trigger()
  try object.awaitDispatches(2)
  try object.disconnect()
  holder.value = nil
}

@Test func reportsDescribeThemselves() {
  #expect(InterruptReport.stormBegan(unclaimed: 7).description.contains("7 interrupts in a row"))
  let claimed = InterruptReport.claimedStormBegan(perSecond: 12_000, share: 90).description
  #expect(claimed.contains("12000 times a second for 90 %"))
  #expect(claimed.contains("the line is masked"))
  let costly = InterruptReport.costly(perSecond: 9_000, share: 80).description
  #expect(costly.contains("9000 interrupts a second take 80 %"))
  #expect(costly.contains("the line stays armed"))
  #expect(InterruptReport.repeatLimitReached(passes: 9).description.contains("9 passes"))
  #expect(InterruptReport.stormEnded.description == "interrupt storm ended")
  #expect(InterruptReport.rearmRecovered.description.contains("re-armed again"))
}
