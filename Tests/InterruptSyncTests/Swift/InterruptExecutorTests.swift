import Glibc
import InterruptSync
import Testing

private actor Device {
  nonisolated let executor: InterruptExecutor
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
  var count = 0
  private let destroyed: EdgeSignal?

  init(_ executor: InterruptExecutor, destroyed: EdgeSignal? = nil) {
    self.executor = executor
    self.destroyed = destroyed
  }
  deinit { destroyed?.raise() }

  func add(_ amount: Int) -> Int {
    count += amount
    return count
  }

  func whereabouts() -> (isLocked: Bool, level: InterruptLevel, thread: pthread_t) {
    (executor.lock.isHeldByCaller, .current, pthread_self())
  }

  func waitOutside(_ body: @Sendable () async -> Void) async -> Bool {
    await body()
    return executor.lock.isHeldByCaller
  }

  nonisolated func addFromRoutine() { assumeIsolated { $0.count += 100 } }
}

@Suite(.timeLimit(.minutes(2))) struct InterruptExecutorTests {
  @Test func actorRunsUnderTheLockAtDeviceLevelOnOneThread() async throws {
    let device = Device(try InterruptExecutor(lock: InterruptLock()))
    let first = await device.whereabouts()
    let second = await device.whereabouts()
    #expect((first.isLocked, first.level) == (true, .device))
    #expect(pthread_equal(first.thread, second.thread) != 0)
  }

  @Test func N1_actorAndServiceRoutinesExcludeEachOther() async throws {
    struct Inside { var depth = 0, overlaps = 0 }
    let line = try SoftwareLine()
    let sync = Interrupt(0, source: line, mode: .all)
    let device = Device(try InterruptExecutor(lock: sync.lock))
    // Unsynchronized but for the lock: the thread sanitizer and the sum watch.
    try sync.register { calls in
      calls += 1
      device.addFromRoutine()
      return .claimed
    }
    try sync.connect()
    for _ in 0..<200 {
      line.trigger()
      _ = await device.add(1)
    }
    try sync.disconnect()
    let calls = try await sync.synchronize { $0 }
    #expect(await device.add(0) == 200 + 100 * calls)
  }

  @Test func N4_synchronizeInsideTheActorIsRefused() async throws {
    let sync = Interrupt(0, source: try SoftwareLine(), mode: .all)
    let executor = try InterruptExecutor(lock: sync.lock)
    let code = await executor.callSynchronizedRoutine { () -> InterruptSyncError.Code? in
      do throws(InterruptSyncError) {
        try sync.synchronize { $0 = 1 }
        return nil
      } catch { return error.code }
    }
    #expect(code == .wouldDeadlock)
  }

  @Test func lockIsFreeWhileTheActorAwaits() async throws {
    let sync = Interrupt(0, source: try SoftwareLine(), mode: .all)
    let device = Device(try InterruptExecutor(lock: sync.lock))
    let isLockedAfterwards = await device.waitOutside {
      _ = try? await sync.synchronize { $0 += 1 }
    }
    #expect(isLockedAfterwards)
    #expect(try await sync.synchronize { $0 } == 1)
  }

  @Test func synchronizedBodyMayAssumeIsolation() async throws {
    let sync = Interrupt(0, source: try SoftwareLine(), mode: .all)
    let device = Device(try InterruptExecutor(lock: sync.lock))
    try await sync.synchronize { _ in device.addFromRoutine() }
    #expect(await device.add(0) == 100)
  }

  @Test func assumingIsolationWithoutTheLockTraps() async {
    await #expect(processExitsWith: .failure) {
      let device = Device(try InterruptExecutor(lock: InterruptLock()))
      device.addFromRoutine()
    }
  }

  @Test func callRunsUnderTheLockAndGivesItsResult() async throws {
    let executor = try InterruptExecutor(lock: InterruptLock())
    let isLocked = await executor.callSynchronizedRoutine { executor.lock.isHeldByCaller }
    #expect(isLocked)
  }

  @Test func lastReferenceMayGoInsideAJob() async throws {
    let destroyed = EdgeSignal()
    do {
      let device = Device(
        try InterruptExecutor(lock: InterruptLock()), destroyed: destroyed)
      Task { _ = await device.add(1) }
    }
    destroyed.wait()
  }
}
