// The HPET as a platform device bound to uio_pdrv_genirq: real interrupts that irqcontrol re-arms. The
// register numbers are from the IA-PC HPET specification 1.0a, section 2.3.
import CUIO
import InterruptSync
import LinuxSystem
import UIO

enum HPETTests {
  static let cases = [
    Case("hpet_interruptsThroughGenirqAreAllCounted", countAll),
    Case("fact48_connectUnmasksALineThatFiredBeforeTheOpen", firedBefore),
  ]

  private static let count = UInt64(repetitions(20_000, short: 5_000))

  private static func countAll() throws {
    let timer = try HPETTimer()
    let object = try timer.object()
    try object.connect()
    let before = (try Guest.event(timer.device), try timer.kernelCount())
    try object.callSynchronizedRoutine { timer.start(HPETTests.count) }
    try Guest.waitFor("\(count) interrupts", seconds: 240) { object.dispatchCount >= count }
    try object.disconnect()
    timer.stop()
    let statistics = object.statistics()
    try expectEqual(timer.fired, count, "comparator matches that were serviced")
    try expectEqual(statistics.interrupts, count, "sum of the differences")
    try expectEqual(try Guest.event(timer.device) &- before.0, UInt32(count), "sysfs event")
    try expectEqual(try timer.kernelCount() - before.1, count, "/proc/interrupts")
    try expectEqual(statistics.unclaimed, 0, "unclaimed")
    try expectEqual(timer.errors, 0, "register errors")
  }

  private static func firedBefore() throws {
    let timer = try HPETTimer()
    timer.start(1)
    // Before any connect: the driver enables the line in its probe and disables it at the first
    // interrupt.
    let object = try timer.object()
    try object.connect()
    try Guest.waitFor("the interrupt") { try timer.isDone(object) }
    try object.callSynchronizedRoutine { timer.start(3) }
    try Guest.waitFor("three more") { try timer.isDone(object) }
    try object.disconnect()
    timer.stop()
  }
}

/// Timer 1 of the HPET in a series of single shots, level-triggered on pin 18.
final class HPETTimer: @unchecked Sendable {
  let device: UIODevice
  private let registers: RegisterRegion
  /// 100 µs, in ticks of the main counter.
  private let step: UInt64
  private(set) var fired: UInt64 = 0
  private(set) var errors = 0
  private var remaining: UInt64 = 0

  private static let general = 0x10
  private static let status = 0x20
  private static let counter = 0xf0
  private static let configuration = 0x120
  private static let comparator = 0x128
  private static let bit: UInt64 = 1 << 1

  init() throws {
    device = try UIODevice(UIODeviceID("hpet"))
    registers = try device.region(map: 0)
    step = 100_000_000_000 / (try registers.read64(at: 0) >> 32)
    try registers.write64(try registers.read64(at: Self.general) | 1, at: Self.general)
    stop()
  }

  func object() throws -> InterruptSyncObject {
    let object = InterruptSyncObject(source: try UIOLine(device), mode: .normal)
    try object.registerServiceRoutine { [self] in routine() }
    return object
  }

  /// Starts `count` shots. Call it when the line is quiet, or in a synchronized routine.
  func start(_ count: UInt64) {
    remaining = count
    fired = 0
    attempt { () throws(UIOError) in
      // Level, enabled, 64 bits, one shot, routed to pin 18.
      let before: UInt64 = try registers.read64(at: Self.configuration)
      let others = before & ~(0x1f << 9 | 1 << 3 | 1 << 14)
      // One shot before the comparator is written: of a periodic timer it is the period, and QEMU 7.2
      // adds one near 2^63 to the comparator without an end, with its whole main loop. Not disabled
      // with it, which would take back an interrupt that is on its way.
      try registers.write64(before & ~(1 << 3), at: Self.configuration)
      try registers.write64(.max, at: Self.comparator)
      try registers.write64(others | 18 << 9 | 1 << 2 | 1 << 1, at: Self.configuration)
      try shoot()
    }
  }

  func stop() {
    attempt { () throws(UIOError) in
      try registers.write64(
        try registers.read64(at: Self.configuration) & ~(1 << 2), at: Self.configuration)
      try registers.write64(Self.bit, at: Self.status)
    }
  }

  func isDone(_ object: InterruptSyncObject) throws -> Bool {
    try object.callSynchronizedRoutine { remaining == 0 }
  }

  func kernelCount() throws -> UInt64 {
    let table = try FileDescriptor.openText("/proc/interrupts")
    let line = table.split(separator: "\n").first {
      $0.hasSuffix("hpet") || $0.contains("uio_pdrv_genirq")
    }
    guard let line, let number = Int(line.split(separator: ":")[0].filter(\.isNumber)) else {
      throw Failure(description: "the HPET is not in /proc/interrupts:\n\(table)")
    }
    return try Guest.kernelCount(irq: number)
  }

  private func routine() -> NTStatus {
    var status = NTStatus.unsuccessful
    attempt { () throws(UIOError) in
      guard try registers.read64(at: Self.status) & Self.bit != 0 else { return }
      try registers.write64(Self.bit, at: Self.status)
      fired += 1
      remaining -= 1
      status = .success
      if remaining > 0 { try shoot() }
    }
    return status
  }

  private func shoot() throws(UIOError) {
    try registers.write64(try registers.read64(at: Self.counter) + step, at: Self.comparator)
  }

  private func attempt(_ body: () throws(UIOError) -> Void) {
    do throws(UIOError) { try body() } catch { errors += 1 }
  }
}
