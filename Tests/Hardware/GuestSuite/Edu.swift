// QEMU's educational device (docs/specs/edu in QEMU's manual), with the ways in which cases raise
// its interrupts: a chain from its own routine, one by one, or a thread that never pauses. The
// routine runs on the dispatcher with the interrupt lock held; its state belongs to it.
import CUIO
import Glibc
import InterruptSync
import LinuxSystem
import Synchronization
import UIO

/// An edu's registers, and a service routine that acknowledges the interrupt and, while a chain
/// lasts, raises the next one.
class EduRoutine: @unchecked Sendable {
  static let raise = 0x60
  static let status = 0x24
  static let acknowledge = 0x64

  let registers: RegisterRegion
  /// Belongs to the routine: read it when the line is quiet, or in a synchronized routine.
  var remaining = 0
  var serviced = 0
  var errors = 0
  /// A plain counter for cases about mutual exclusion.
  var plain = 0
  var isAcknowledging = true

  init(_ registers: RegisterRegion) throws {
    self.registers = registers
    // Clears what an earlier case left: the device must not interrupt before it is connected.
    try registers.write32(.max, at: Self.acknowledge)
  }

  func routine() -> NTStatus {
    do throws(UIOError) {
      let status = try registers.read32(at: Self.status)
      if status == 0 || !isAcknowledging { return .unsuccessful }
      try registers.write32(status, at: Self.acknowledge)
      serviced += 1
      plain += 1
      if remaining > 0 {
        remaining -= 1
        try registers.write32(1, at: Self.raise)
      }
      return .success
    } catch {
      errors += 1
      return .unsuccessful
    }
  }

  func object(
    of line: any InterruptSource, mode: InterruptSyncMode = .normal, options: InterruptSyncOptions
  ) throws -> InterruptSyncObject {
    let object = InterruptSyncObject(source: line, mode: mode, options: options)
    try object.registerServiceRoutine { [self] in routine() }
    return object
  }

  /// Starts a chain of `count` interrupts, each raised by the routine of the previous one.
  func chain(_ count: Int, through object: InterruptSyncObject) throws {
    try object.callSynchronizedRoutine {
      self.serviced = 0
      self.remaining = count - 1
    }
    try registers.write32(1, at: Self.raise)
  }
}

/// An edu behind UIO.
final class Edu: EduRoutine, @unchecked Sendable {
  let device: UIODevice

  init(_ address: String) throws {
    device = try Guest.open(address)
    try super.init(try device.region(bar: 0))
  }

  func object(
    mode: InterruptSyncMode = .normal, options: InterruptSyncOptions = InterruptSyncOptions()
  ) throws -> InterruptSyncObject {
    try object(of: try UIOLine(device), mode: mode, options: options)
  }
}

/// The engine of an edu, which interrupts when it has moved what it was told to.
final class Engine<Card: EduRoutine> {
  /// The edu's own memory, from the engine's side. It takes a little less than its 4,096 bytes: an
  /// engine that ends exactly at their end is QEMU's end, too.
  static var inside: UInt64 { 0x40000 }
  static var length: Int { 4000 }

  let edu: Card
  private let object: InterruptSyncObject

  fileprivate init(_ edu: Card, _ object: InterruptSyncObject) throws {
    self.edu = edu
    self.object = object
    try object.connect()
  }

  /// Addresses from the edu's memory on are inside of it.
  func move(from source: UInt64, to target: UInt64, _ length: Int) throws {
    let before = try object.callSynchronizedRoutine { self.edu.serviced }
    try edu.registers.write64(source, at: 0x80)
    try edu.registers.write64(target, at: 0x88)
    try edu.registers.write64(UInt64(length), at: 0x90)
    let toMemory: UInt64 = source == Self.inside ? 2 : 0
    try edu.registers.write64(1 | toMemory | 4, at: 0x98)
    try Guest.waitFor("the engine") {
      try object.callSynchronizedRoutine { self.edu.serviced } > before
    }
  }

  /// Random bytes out of one buffer and back into another one.
  func exchange(_ source: DMABuffer, _ target: DMABuffer, rounds: Int) throws {
    var random = Random()
    for round in 1...rounds {
      for index in 0..<Self.length { source.bytes[index] = UInt8(random.next(below: 256)) }
      source.synchronizeForDevice()
      try move(from: source.deviceAddress, to: Self.inside, Self.length)
      try move(from: Self.inside, to: target.deviceAddress, Self.length)
      target.synchronizeForProgram()
      try expect(source.bytes.elementsEqual(target.bytes), "round \(round): other bytes")
    }
  }

  func end() throws { try object.disconnect() }
}

extension Engine<Edu> {
  convenience init(_ edu: Edu) throws {
    let line = try UIOLine(edu.device)
    try line.setBusMaster(true)
    try self.init(edu, try edu.object(of: line, options: InterruptSyncOptions()))
  }
}

extension Engine<VFIOEdu> {
  convenience init(_ edu: VFIOEdu) throws { try self.init(edu, try edu.object()) }
}

extension RegisterRegion {
  /// Raises an edu's interrupt with each of `values`, and each time waits until a process,
  /// whichever services the device, has acknowledged it.
  func raise(_ values: ClosedRange<UInt32>) throws {
    for value in values {
      try write32(value, at: Edu.raise)
      try Guest.waitFor("acknowledgement \(value)") { try read32(at: Edu.status) == 0 }
    }
  }
}

/// A thread that raises an edu's interrupts without a pause, each as soon as the previous one has
/// been acknowledged.
final class Raiser: @unchecked Sendable {
  private let registers: RegisterRegion
  private let wanted = Atomic<Bool>(true)
  private let count = Atomic<Int>(0)
  /// Belongs to the thread until it is joined.
  private var failure: (any Error)?

  private init(_ registers: RegisterRegion) { self.registers = registers }

  /// How many interrupts have been acknowledged.
  var acknowledged: Int { count.load(ordering: .acquiring) }

  /// Raises interrupts while `body` runs. Returns how many it raised, all of them acknowledged.
  @discardableResult
  static func raise(_ registers: RegisterRegion, _ body: (Raiser) throws -> Void) throws -> Int {
    let raiser = Raiser(registers)
    let thread = Caller { raiser.run() }
    let result = Result { try body(raiser) }
    raiser.wanted.store(false, ordering: .releasing)
    thread.join()
    try result.get()
    if let failure = raiser.failure { throw failure }
    return raiser.acknowledged
  }

  /// Waits until `more` interrupts have been acknowledged from now on.
  func wait(more: Int) throws {
    let goal = acknowledged + more
    try Guest.waitFor("\(goal) acknowledged interrupts, there are \(acknowledged)", seconds: 60) {
      acknowledged >= goal
    }
  }

  private func run() {
    do {
      while wanted.load(ordering: .acquiring) {
        let value = acknowledged + 1
        try registers.write32(UInt32(value), at: Edu.raise)
        try Guest.waitFor("acknowledgement \(value)", seconds: 60) {
          try registers.read32(at: Edu.status) == 0
        }
        count.store(value, ordering: .releasing)
        // The guest has two processors, and the process that services the device needs one.
        usleep(500)
      }
    } catch { failure = error }
  }
}

/// A thread that runs a closure, which the test that waits for it may share.
struct Caller {
  private let thread: WorkerThread

  init(_ body: @escaping () -> Void) {
    nonisolated(unsafe) let body = body
    do { thread = try WorkerThread(name: "caller") { body() } } catch {
      preconditionFailure("cannot create a thread: \(error)")
    }
  }

  func join() { thread.join() }
}
