// Synchronized transactions: checked as a whole, run as one.
import Glibc
import InterruptSync
import LinuxSystem
import Synchronization
import Testing
import UIO

@testable import InterruptSyncService

private struct Bench {
  let recorder = RegisterRecorder(size: 0x40)
  let object: InterruptSyncObject
  let line: SoftwareLine

  init() throws {
    line = try SoftwareLine()
    object = InterruptSyncObject(source: line, mode: .normal)
  }

  func made(
    _ operations: [TransactionOperation], _ limits: TransactionLimits = TransactionLimits()
  ) throws(TransactionRefusal) -> Transaction {
    let region = RegisterRegion(name: "bar0", size: 0x40, interposer: recorder)
    return try Transaction(operations, limits: limits) { (wanted) throws(UIOError) in
      guard wanted == .bar(0) else {
        throw UIOError(
          .noSuchRegion, device: "device", operation: "open the region", cause: "there is no other")
      }
      return region
    }
  }

  func run(_ operations: [TransactionOperation]) throws -> TransactionOutcome {
    try made(operations).run(on: object, within: .seconds(60))
  }

  /// The refusal, having checked that no register was touched.
  func refusal(
    _ operations: [TransactionOperation], _ limits: TransactionLimits = TransactionLimits()
  ) -> TransactionRefusal? {
    do throws(TransactionRefusal) { _ = try made(operations, limits) } catch {
      #expect(recorder.accesses == [])
      return error
    }
    return nil
  }
}

private func register(_ text: String) throws -> RegisterReference { try RegisterReference(text) }

@Test func transaction_givesAResultForEachOperation() throws {
  let bench = try Bench()
  bench.recorder.preset(0xabcd, at: 0, width: 4)
  let outcome = try bench.run([
    .read(try register("bar0:0/32")), .read(try register("bar0:0/32&0xff")),
    .write(try register("bar0:8/16"), value: 0x1234),
    .update(try register("bar0:0/32"), mask: 0xff, value: 0x01),
    .wait(try register("bar0:0/32"), mask: 0xff, value: 0x01, microseconds: 0),
  ])
  #expect(outcome == .complete([0xabcd, 0xcd, 0x1234, 0xabcd, 0xab01]))
  #expect(
    bench.recorder.accesses == [
      .read(offset: 0, width: 4, value: 0xabcd), .read(offset: 0, width: 4, value: 0xabcd),
      .write(offset: 8, width: 2, value: 0x1234), .read(offset: 0, width: 4, value: 0xabcd),
      .write(offset: 0, width: 4, value: 0xab01), .read(offset: 0, width: 4, value: 0xab01),
    ])
}

@Test func transaction_refusesAMaskThatAWriteWouldDrop() throws {
  let bench = try Bench()
  let masked = try register("bar0:0/32&0xff")
  for operation: TransactionOperation in [
    .write(masked, value: 1), .update(masked, mask: 1, value: 1),
  ] {
    guard
      case .badRegister(index: 1, let error) = bench.refusal([
        .read(masked), operation,
      ])
    else {
      Issue.record("\(operation) was accepted")
      continue
    }
    #expect(error.cause.contains("without effect"))
  }
  // The update's own mask, and all bits, are no other mask.
  _ = try bench.run([.update(masked, mask: 0xff, value: 1)])
  _ = try bench.run([.write(try register("bar0:0/32&0xffffffff"), value: 1)])
}

@Test func transaction_withoutOperationsIsComplete() throws {
  #expect(try Bench().run([]) == .complete([]))
}

@Test func transaction_thatIsWrongAnywhereTouchesNothing() throws {
  let bench = try Bench()
  let fine = TransactionOperation.write(try register("bar0:0/32"), value: 1)
  for wrong: TransactionOperation in [
    .read(try register("bar1:0/32")), .read(try register("map0:0/32")),
    .read(try register("bar0:0x40/32")), .write(try register("bar0:0x3e/16&1"), value: 0x10000),
    .update(try register("bar0:0/8"), mask: 0x100, value: 0),
    .update(try register("bar0:0/8"), mask: 0, value: 0x100),
    .wait(try register("bar0:0/32"), mask: 1 << 32, value: 0, microseconds: 1),
  ] {
    guard case .badRegister(1, let error)? = bench.refusal([fine, wrong, fine]) else {
      Issue.record("\(wrong) was not refused")
      continue
    }
    #expect(!error.cause.isEmpty)
  }
}

@Test func transaction_isLimited() throws {
  let bench = try Bench()
  let one = TransactionOperation.read(try register("bar0:0/32"))
  func wait(_ microseconds: UInt64) throws -> TransactionOperation {
    .wait(try register("bar0:0/32"), mask: 1, value: 1, microseconds: microseconds)
  }
  let limits = TransactionLimits(operations: 3, microseconds: 100)
  #expect(bench.refusal([one, one, one], limits) == nil)
  #expect(bench.refusal([try wait(50), try wait(50)], limits) == nil)
  for wrong in [
    [one, one, one, one], [try wait(101)], [try wait(50), try wait(51)],
    [try wait(.max), try wait(2)],
  ] {
    guard case .tooLarge? = bench.refusal(wrong, limits) else {
      Issue.record("\(wrong) was not refused")
      continue
    }
  }
}

@Test func transaction_waitsForWhatTheDeviceDoes() throws {
  let bench = try Bench()
  let transaction = try bench.made(
    [.wait(try register("bar0:4/32"), mask: 0x80, value: 0x80, microseconds: 50_000_000)],
    TransactionLimits(microseconds: 60_000_000))
  let recorder = bench.recorder
  let thread = try WorkerThread(name: "device") {
    // Not before the wait has looked once.
    while recorder.accesses.isEmpty { usleep(100) }
    recorder.preset(0x81, at: 4, width: 4)
  }
  #expect(try transaction.run(on: bench.object, within: .seconds(60)) == .complete([0x81]))
  thread.join()
}

@Test func transaction_whoseWaitExpiresSaysHowFarItCame() throws {
  let bench = try Bench()
  bench.recorder.preset(5, at: 0, width: 4)
  let outcome = try bench.run([
    .write(try register("bar0:8/8"), value: 7),
    .wait(try register("bar0:0/32"), mask: 0xf, value: 6, microseconds: 10),
    .write(try register("bar0:8/8"), value: 9),
  ])
  #expect(outcome == .waitExpired(index: 1, results: [7, 5]))
  #expect(!bench.recorder.accesses.contains(.write(offset: 8, width: 1, value: 9)))
}

/// Registers that go away after a number of accesses.
private final class Mortal: RegisterInterposer, @unchecked Sendable {
  private let left: Atomic<Int>
  init(_ accesses: Int) { left = Atomic(accesses) }

  private func live() throws(UIOError) {
    guard left.subtract(1, ordering: .relaxed).newValue >= 0 else {
      throw UIOError(.removed, device: "bar0", operation: "access", cause: "the device has gone")
    }
  }
  func read(at offset: Int, width: Int) throws(UIOError) -> UInt64 {
    try live()
    return 3
  }
  func write(_ value: UInt64, at offset: Int, width: Int) throws(UIOError) { try live() }
}

@Test func transaction_onADeviceThatGoesGivesWhatItHad() throws {
  let region = RegisterRegion(name: "bar0", size: 16, interposer: Mortal(2))
  let read = TransactionOperation.read(try register("bar0:0/32"))
  let transaction = try Transaction([read, read, read], limits: TransactionLimits()) { _ in region }
  let object = InterruptSyncObject(source: try SoftwareLine(), mode: .normal)
  #expect(try transaction.run(on: object, within: .seconds(60)) == .deviceGone(results: [3, 3]))
}

@Test func transaction_insideARoutineIsRefused() throws {
  let bench = try Bench()
  let transaction = try bench.made([.read(try register("bar0:0/32"))])
  _ = try bench.object.callSynchronizedRoutine {
    #expect(throws: InterruptSyncError.self) {
      _ = try transaction.run(on: bench.object, within: .seconds(60))
    }
  }
  #expect(bench.recorder.accesses == [])
}

/// Two registers that routine and transactions keep equal; whoever came between would see them
/// differ.
@Test func transaction_excludesTheServiceRoutineAndOtherTransactions() throws {
  let bench = try Bench()
  let region = RegisterRegion(name: "bar0", size: 0x40, interposer: bench.recorder)
  let torn = Atomic<Int>(0)
  try withoutActuallyEscaping({
    let first = (try? region.read32(at: 0)) ?? 1
    let second = (try? region.read32(at: 4)) ?? 2
    if first != second { torn.add(1, ordering: .relaxed) }
  }) { (look: @escaping () -> Void) in
    let looked = UncheckedSendable(look)
    let registration = try bench.object.registerServiceRoutine {
      looked.value()
      return .success
    }
    try bench.object.connect()
    for value in UInt64(1)...2000 {
      if value % 4 == 0 { bench.line.trigger() }
      let outcome = try bench.run([
        .write(try register("bar0:0/32"), value: value),
        .read(try register("bar0:4/32")),
        .write(try register("bar0:4/32"), value: value),
      ])
      #expect(outcome == .complete([value, value - 1, value]))
    }
    try bench.object.disconnect()
    registration.cancel()
  }
  #expect(torn.load(ordering: .relaxed) == 0)
}

private struct UncheckedSendable<Value>: @unchecked Sendable {
  let value: Value
  init(_ value: Value) { self.value = value }
}
