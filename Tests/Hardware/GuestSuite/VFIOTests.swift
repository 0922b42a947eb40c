// Interrupts of VFIO devices: INTx, MSI and MSI-X counted one by one, the brake, the errors of the kernel's
// calls, and devices that the host wants back (docs/vfio.md). Reports come from the dispatcher's thread,
// or from the one that waits for the host.
import CUIO
import CVFIO
import Glibc
import InterruptSync
import LinuxSystem
import Synchronization
import UIO
import VFIO

enum VFIOTests {
  static let cases = [
    Case("V15_everyINTxIsCountedAndServiced") { try countAll(.intx) },
    Case("V21_everyPacedMSIIsCountedAndServiced") { try countAll(.msi) },
    Case("V21_everyPacedMSIXIsCountedOnItsVector", vectors),
    Case("K7_vectorsUnderOneLockDoNotOverlap", oneLock),
    Case("V24_64VectorsOfAnNVMeOnOneGroup", manyVectors),
    Case("V25_brakedMSIComesBackWithAKick") { try brake(.msi) },
    Case("V25_brakedINTxIsUnmaskedAgain") { try brake(.intx) },
    Case("V30_regionsAndConfigurationSpaceAreReached", regions),
    Case("V31_accessWithMemoryOffIsAnErrorAndNoSignal") {
      try memoryOff()
      try expectEqual(
        try VFIOEdu(.msi).registers.read32(at: 0), 0x010000ed, "the edu's id once it is open again")
    },
    Case("V35_unbindReturnsWhileConnectedAndMapped") {
      try giveBack(by: {
        Guest.write(Guest.vfioEdu, to: "/sys/bus/pci/drivers/vfio-pci/unbind")
      })
    },
    Case("V35_removeReturnsWhileConnectedAndMapped") {
      try giveBack(by: { Guest.write("1", to: "\(Guest.pci(Guest.vfioEdu))/remove") })
    },
  ]

  /// The numbers raised, serviced, counted by the object and by /proc/interrupts are equal.
  private static func countAll(_ interrupt: VFIOInterrupt) throws {
    let count = repetitions(20_000, short: 4_000)
    let edu = try VFIOEdu(interrupt)
    let object = try edu.object()
    try object.connect()
    try Guest.waitFor("the dispatch after connect") { object.dispatchCount == 1 }
    let before = try Guest.kernelCount(action: edu.line.actionName)
    if interrupt == .intx {
      try edu.raise(count, through: object)
    } else {
      try edu.complete(count, through: object)
    }
    let after = try Guest.kernelCount(action: edu.line.actionName)
    try expectEqual(after.map { $0 - (before ?? 0) }, UInt64(count), "/proc/interrupts")
    try object.disconnect()
    try expectEqual(edu.serviced, count, "serviced")
    try expectEqual(object.statistics().interrupts, UInt64(count), "interrupts")
    try expectEqual(object.statistics().coalesced, 0, "coalesced")
    try expectEqual(object.statistics().claimed, UInt64(count), "claimed")
    try expect(
      try Guest.kernelCount(action: edu.line.actionName) == nil, "the vector is still armed")
  }

  /// Four vectors, each of which raises the next one in its routine.
  private static func vectors() throws {
    let count = repetitions(20_000, short: 2_000)
    let rocker = try Guest.openVFIO(Guest.rocker)
    let registers = try rocker.region(bar: 0)
    try expectEqual(rocker.vectorCount, 4, "vectors")
    let round = Round(goal: 4 * count)
    let lines = try (0..<4).map { try VFIOLine(rocker, vector: $0) }
    let objects = try lines.map { line in
      let object = InterruptSyncObject(source: line, mode: .normal)
      try object.registerServiceRoutine {
        guard round.take(line.vector) else { return .unsuccessful }
        if !round.isOver {
          try? registers.write32(UInt32((line.vector + 1) % 4), at: Round.raise)
        }
        return .success
      }
      return object
    }
    for object in objects { try object.connect() }
    try Guest.waitFor("the dispatches after connect") {
      objects.allSatisfy { $0.dispatchCount == 1 }
    }
    round.begin()
    try registers.write32(0, at: Round.raise)
    try Guest.waitFor("\(4 * count) messages, there are \(round.total)", seconds: 240) {
      round.isOver
    }
    for (line, object) in zip(lines, objects) {
      try expectEqual(
        try Guest.kernelCount(action: line.actionName), UInt64(count),
        "/proc/interrupts of \(line)")
      try object.disconnect()
      try expectEqual(object.statistics().interrupts, UInt64(count), "interrupts of \(line)")
      try expectEqual(object.statistics().claimed, UInt64(count), "serviced of \(line)")
    }
  }

  /// Two threads raise the vectors as fast as they are serviced.
  private static func oneLock() throws {
    let count = repetitions(10_000, short: 1_000)
    let rocker = try Guest.openVFIO(Guest.rocker)
    let registers = try rocker.region(bar: 0)
    let lock = InterruptLock()
    let inside = Overlap()
    let objects = try (0..<2).map { vector in
      let object = InterruptSyncObject(
        source: try VFIOLine(rocker, vector: vector), mode: .normal, lock: lock)
      try object.registerServiceRoutine {
        inside.pass()
        return .success
      }
      try object.connect()
      return object
    }
    let raisers = objects.enumerated().map { vector, object in
      Caller {
        for round in 1...count {
          try? registers.write32(UInt32(vector), at: Round.raise)
          try? Guest.waitFor("message \(round)") { object.statistics().interrupts >= round }
        }
      }
    }
    for raiser in raisers { raiser.join() }
    for object in objects { try object.disconnect() }
    try expectEqual(inside.overlaps, 0, "routines that overlapped")
    for object in objects {
      try expectEqual(object.statistics().interrupts, UInt64(count), "interrupts")
    }
  }

  /// All vectors on one thread, raised by the kernel (V27): no driver of nvme's is at hand.
  private static func manyVectors() throws {
    let nvme = try Guest.openVFIO(Guest.nvme)
    try expect(nvme.vectorCount >= 64, "it has \(nvme.vectorCount) vectors")
    let group = try DispatcherGroup()
    let lines = try (0..<64).map { try VFIOLine(nvme, vector: $0) }
    let objects = try lines.map { line in
      let object = InterruptSyncObject(
        source: line, mode: .normal, options: InterruptSyncOptions(group: group))
      try object.registerServiceRoutine { .success }
      try object.connect()
      return object
    }
    for round in 1...10 {
      for line in lines { try line.selfTest() }
      try Guest.waitFor("round \(round)") {
        objects.allSatisfy { $0.statistics().interrupts == round }
      }
    }
    for object in objects { try object.disconnect() }
    try expect(nvme.canReset, "an nvme can be reset")
    try nvme.reset()
  }

  /// A routine that does not claim, on a device that raises more and more.
  private static func brake(_ interrupt: VFIOInterrupt) throws {
    let reports = Reports()
    let edu = try VFIOEdu(interrupt)
    edu.isAcknowledging = false
    let options = InterruptSyncOptions(storm: StormPolicy(limit: 20, action: .stayMasked)) {
      reports.add($0)
    }
    let object = try edu.object(options)
    try object.connect()
    try Guest.waitFor("the brake") {
      try edu.registers.write32(1, at: Edu.raise)
      return object.state == .storming
    }
    if interrupt == .msi {
      try Guest.waitFor("the vector's end") {
        try Guest.kernelCount(action: edu.line.actionName) == nil
      }
    }
    let before = object.statistics()
    // Lost with MSI, and standing with INTx.
    for _ in 0..<100 { try edu.registers.write32(1, at: Edu.raise) }
    try object.callSynchronizedRoutine { edu.isAcknowledging = true }
    try expectEqual(object.dispatchCount, before.claimed + before.unclaimed, "dispatches")
    object.resumeAfterStorm()
    try Guest.waitFor("the end of the storm") { reports.texts.contains("interrupt storm ended") }
    try edu.complete(100, through: object)
    try object.disconnect()
    try expectEqual(object.statistics().storms, 1, "storms")
    try expectEqual(edu.serviced, 100, "serviced")
  }

  private static func regions() throws {
    let rocker = try Guest.openVFIO(Guest.rocker)
    let configuration = try rocker.configuration()
    try expectEqual(try configuration.read32(at: 0), 0x0006_1b36, "vendor and device")
    try expectUIOError(.noSuchRegion, ["BAR 5"]) { _ = try rocker.region(bar: 5) }
    try expect(!rocker.canReset, "a rocker cannot be reset")
    try expectUIOError(.unsupported, ["reset of its own", "EINVAL"]) { try rocker.reset() }
    try expectUIOError(.noInterrupt, ["no intx", "it has msix"]) {
      _ = try VFIODevice("pci-\(Guest.rocker)", interrupt: .intx)
    }
    let edu = try VFIOEdu(.intx)
    try expectEqual(try edu.registers.read32(at: 0), 0x010000ed, "the edu's id")
    // A BAR that the function has and a page does not fit into: system calls.
    let bar = try rocker.region(bar: 0)
    try bar.write32(0xf00d, at: 0x10)
    try expectEqual(try bar.read32(at: 0x10), 2 * 0xf00d, "the rocker's test register")
  }

  /// Every mapped access is a bus error then, and every call is EIO. What a user has turned off comes
  /// back with the next open.
  private static func memoryOff() throws {
    let edu = try VFIOEdu(.msi)
    let configuration = try edu.device.configuration()
    let command = try configuration.read16(at: 4)
    try configuration.write16(command & ~2, at: 4)
    try expectUIOError(.removed, ["bar0"]) { _ = try edu.registers.read32(at: 0) }
    try expectUIOError(.removed, ["bar0"]) { try edu.registers.write32(0, at: Edu.raise) }
    try expectUIOError(.removed, ["config"]) { _ = try configuration.read16(at: 4) }
    try expect(!edu.device.isAlive, "alive")
  }

  /// The device goes back within three seconds although it is connected and mapped, and under load.
  private static func giveBack(by take: () -> Void) throws {
    let reports = Reports()
    let notices = Notices()
    let edu = try VFIOEdu(.msi) { notices.add($0) }
    let object = try edu.object(InterruptSyncOptions { reports.add($0) })
    try object.connect()
    try edu.complete(500, through: object)
    let user = try Reader(edu.registers, at: 0)
    let start = Clock.now
    take()
    let took = Clock.now - start
    user.join()
    try expect(took < 3_000_000_000, "it took \(took / 1_000_000) ms")
    say("the host had the device after \(took / 1_000_000) ms")
    try Guest.waitFor("the line's end") { reports.removals == 1 }
    try notices.expectReturned()
    try expectUIOError(.removed, ["bar0"]) { _ = try edu.registers.read32(at: 0) }
    try expectSyncError(.removed) { try object.connect() }

    Guest.write("1", to: "/sys/bus/pci/rescan")
    let again = try VFIOEdu(.msi)
    try object.registerServiceRoutine(first: true) { again.routine() }
    try object.connect(to: again.line)
    try again.complete(500, through: object)
    try object.disconnect()
  }
}

/// Messages that each raise the next one.
private final class Round: @unchecked Sendable {
  static let raise = 0x20
  private let goal: Int
  private let counted = Atomic<Int>(0)
  private let isRunning = Atomic<Bool>(false)

  init(goal: Int) { self.goal = goal }

  var total: Int { counted.load(ordering: .acquiring) }
  var isOver: Bool { total >= goal }
  func begin() { isRunning.store(true, ordering: .releasing) }

  /// Whether a dispatch of the vector was for a message: one at a time is under way.
  func take(_ vector: Int) -> Bool {
    guard isRunning.load(ordering: .acquiring), total % 4 == vector else { return false }
    counted.add(1, ordering: .acquiringAndReleasing)
    return true
  }
}

/// Notices two threads inside at once.
private final class Overlap: Sendable {
  private let inside = Atomic<Int>(0)
  private let found = Atomic<Int>(0)
  var overlaps: Int { found.load(ordering: .acquiring) }

  func pass() {
    if inside.add(1, ordering: .sequentiallyConsistent).oldValue != 0 {
      found.add(1, ordering: .relaxed)
    }
    for _ in 0..<200 { _ = inside.load(ordering: .sequentiallyConsistent) }
    inside.subtract(1, ordering: .sequentiallyConsistent)
  }
}
