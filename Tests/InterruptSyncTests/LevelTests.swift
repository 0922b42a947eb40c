// N23 and the table 4.6: who runs at which level, and what is refused there.
import Testing

@testable import InterruptSync

@Test func N23_eachContextHasItsLevel() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .normal)
  let queue = try DeferredQueue()
  let seen = Journal<InterruptLevel>()
  try object.registerServiceRoutine {
    seen.entries.append(.current)
    return .success
  }
  #expect(InterruptLevel.current == .passive)
  #expect(try object.callSynchronizedRoutine { InterruptLevel.current } == .device)
  let context = Unmanaged.passUnretained(seen).toOpaque()
  _ = object.callSynchronizedRoutine(
    { _, context in
      Unmanaged<Journal<InterruptLevel>>.fromOpaque(context!).takeUnretainedValue().entries
        .append(.current)
      return 0
    }, context: context)
  #expect(InterruptLevel.current == .passive)
  try object.connect()
  line.trigger()
  try object.awaitDispatches(1)
  try object.disconnect()
  let routine = DeferredRoutine(on: queue) { seen.entries.append(.current) }
  routine.enqueue()
  try queue.flush()
  #expect(seen.entries == [.device, .device, .dispatch])
}

@Test func N23_aSynchronizedCallFromDispatchLevelRestoresIt() throws {
  let object = InterruptSyncObject(source: try SoftwareLine(), mode: .normal)
  let queue = try DeferredQueue()
  let seen = Journal<InterruptLevel>()
  let routine = DeferredRoutine(on: queue) {
    seen.entries.append(.current)
    try? object.callSynchronizedRoutine { seen.entries.append(.current) }
    seen.entries.append(.current)
  }
  routine.enqueue()
  try queue.flush()
  #expect(seen.entries == [.dispatch, .device, .dispatch])
}

@Test func N23_passiveCallsAreRefusedAtDispatchLevel() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .normal, name: "card")
  let queue = try DeferredQueue()
  let errors = Journal<InterruptSyncError?>()
  let routine = DeferredRoutine(on: queue) {
    errors.entries.append(failure { try object.registerServiceRoutine { .success } })
    errors.entries.append(failure { try object.connect() })
    errors.entries.append(failure { try object.disconnect() })
  }
  routine.enqueue()
  try queue.flush()
  #expect(errors.entries.map { $0?.code } == [.wrongLevel, .wrongLevel, .wrongLevel])
  #expect(errors.entries.map { $0?.status.rawValue } == .init(repeating: -0x3fff_fe7c, count: 3))
  #expect(
    errors.entries[1]?.description == """
      card: connect: called at DISPATCH_LEVEL; the call belongs at PASSIVE_LEVEL
        hint: call it from an ordinary thread, outside of service, synchronized and deferred \
      routines
      """)
}

@Test func N23_passiveCallsAreRefusedInsideAnotherObjectsRoutine() throws {
  let one = InterruptSyncObject(source: try SoftwareLine(), mode: .normal)
  let two = InterruptSyncObject(source: try SoftwareLine(), mode: .normal)
  try one.callSynchronizedRoutine {
    #expect(failure { try two.connect() }?.code == .wrongLevel)
    #expect(failure { try two.disconnect() }?.code == .wrongLevel)
    #expect(failure { try two.registerServiceRoutine { .success } }?.code == .wrongLevel)
    // A synchronized call may come from any level.
    #expect(failure { try two.callSynchronizedRoutine {} } == nil)
    #expect(InterruptLevel.current == .device)
  }
}

@Test func N23_levelsAreOrderedAndHaveTheirWindowsNames() {
  #expect(InterruptLevel.passive < .dispatch && .dispatch < InterruptLevel.device)
  let levels: [InterruptLevel] = [.passive, .dispatch, .device]
  #expect(levels.map(\.rawValue) == [0, 2, 3])
  #expect(levels.map(\.description) == ["PASSIVE_LEVEL", "DISPATCH_LEVEL", "DIRQL"])
}

@Test func N23_checkedModeStopsTheProcessOnReentry() async {
  let result = await #expect(
    processExitsWith: .failure, observing: [\.standardErrorContent]
  ) {
    Verifier.isChecked = true
    let object = InterruptSyncObject(source: try SoftwareLine(), mode: .normal)
    try object.callSynchronizedRoutine { try? object.callSynchronizedRoutine {} }
  }
  let said = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
  #expect(said.contains("software: call a synchronized routine: the calling thread is inside"))
}

@Test func N23_checkedModeStopsTheProcessAtTheWrongLevel() async {
  await #expect(processExitsWith: .failure) {
    Verifier.isChecked = true
    let one = InterruptSyncObject(source: try SoftwareLine(), mode: .normal)
    let two = InterruptSyncObject(source: try SoftwareLine(), mode: .normal)
    try one.callSynchronizedRoutine { try? two.disconnect() }
  }
}

@Test func N23_checkedModeStopsTheProcessOnAStaleHandle() async {
  await #expect(processExitsWith: .failure) {
    Verifier.isChecked = true
    let object = InterruptSyncObject(source: try SoftwareLine(), mode: .normal)
    try object.registerServiceRoutine { .success }
    try object.connect()
    let handle = object.getKInterrupt()
    try object.disconnect()
    _ = try? handle?.synchronizeExecution({ _ in 1 }, context: nil)
  }
}

@Test func N23_checkedModeLetsCorrectCodeRun() async {
  await #expect(processExitsWith: .success) {
    Verifier.isChecked = true
    let line = try SoftwareLine()
    let object = InterruptSyncObject(source: line, mode: .normal)
    try object.registerServiceRoutine { .success }
    try object.connect()
    line.trigger()
    try object.awaitDispatches(1)
    try object.disconnect()
  }
}
