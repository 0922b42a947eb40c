import InterruptSync

/// Why the disk does not do what it should.
struct Failure: Error, CustomStringConvertible {
  let description: String
}

/// A pair of rings in memory that driver and controller share, and the vector by which the controller says
/// that it has completed commands. Each command has a slot; one task at a time uses a slot.
final class Queue: Sendable {
  /// Entries. One stays free: a full ring does not look like an empty one.
  static let depth = 32
  static let slots = depth - 1

  /// Also the number of its vector. 0 is the admin queue.
  let number: Int
  let submissions: DMABuffer
  let completions: DMABuffer
  private let device: VFIODevice
  private let interrupt: Interrupt<Rings>
  /// By slot. A stream keeps one wake-up for which no task has waited.
  private let completed: [AsyncStream<Void>]

  init(_ number: Int, _ controller: Controller) throws {
    self.number = number
    device = controller.device
    submissions = try DMABuffer(device, size: Self.depth * Command.size, direction: .toDevice)
    completions = try DMABuffer(
      device, size: Self.depth * Rings.completion, direction: .fromDevice)
    let deferred = try DeferredQueue(name: "nvme-\(number)")
    let streams = (0..<Self.slots).map { _ in
      AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }
    // To resume a task with the interrupt lock held could take long.
    let wakes = streams.map { stream in
      DeferredRoutine(on: deferred) { stream.continuation.yield() }
    }
    let rings = Rings(
      submissions: submissions.region(), completions: completions.region(),
      registers: controller.registers, doorbell: controller.doorbell(number),
      memory: completions, completed: wakes)
    var options = InterruptSyncOptions()
    // Wakes the waiting tasks, which find that the device has gone.
    options.report = { _ in for wake in wakes { wake.enqueue() } }
    completed = streams.map(\.stream)
    interrupt = Interrupt(
      rings, source: try VFIOLine(device, vector: number), mode: .normal, options: options)
    try interrupt.register { rings in
      do throws(UIOError) { return try rings.serve() } catch { return .notMine }
    }
    try interrupt.connect()
  }

  var interrupts: UInt64 { interrupt.statistics().interrupts }
  func disconnect() throws { try interrupt.disconnect() }

  /// Hands a command to the controller, and waits for the interrupt that says that it is completed.
  /// Returns its result.
  @discardableResult
  func execute(_ command: Command, slot: Int = 0) async throws -> UInt32 {
    try await interrupt.synchronize { (rings) throws(UIOError) in try rings.put(command, slot) }
    let outcome = try await outcome(of: slot)
    guard outcome.status == 0 else {
      let status = String(outcome.status & 0x7ff, radix: 16)
      throw Failure(
        description: "queue \(number): command \(command.words[0]) failed with status 0x\(status)")
    }
    return outcome.result
  }

  private func outcome(of slot: Int) async throws -> (status: UInt16, result: UInt32) {
    for await _ in completed[slot] {
      if let outcome = try await interrupt.synchronize({ $0.outcomes[slot] }) { return outcome }
      guard device.isAlive else { break }
    }
    throw Failure(description: "queue \(number): the device or the task went away with a command")
  }
}
