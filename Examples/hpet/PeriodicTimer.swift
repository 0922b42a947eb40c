import InterruptSync

/// Timer 1 of the HPET as a platform device of uio_pdrv_genirq: level-triggered, periodic.
final class PeriodicTimer: Sendable {
  /// Why it does not run.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Where the platform device expects the interrupt.
  private static let pin: UInt8 = 18

  /// Of the main counter's tick.
  let nanoseconds: Double
  private let device: UIODevice
  private let registers: RegisterRegion
  private let general: Register<Configuration>
  private let configuration: Register<TimerConfiguration>

  init(_ id: String) throws {
    device = try UIODevice(UIODeviceID(id))
    registers = try device.region(map: 0)
    general = try Register(in: registers)
    configuration = try Register(in: registers)
    let femtoseconds = try Register<Capabilities>(in: registers).read()[Capabilities.period]
    nanoseconds = Double(femtoseconds) / 1e6
    let able = try configuration.read()
    guard able[TimerConfiguration.canBePeriodic],
      able[TimerConfiguration.possiblePins] & 1 << Self.pin != 0
    else {
      throw Failure(
        description: "\(device): timer 1 cannot interrupt periodically on pin \(Self.pin): \(able)")
    }
  }

  /// Lets it fire at `rate` a second for `seconds`.
  func measure(rate: Int, seconds: Int) async throws -> Latencies {
    let period = UInt64((1e9 / nanoseconds / Double(rate)).rounded())
    let sync = Interrupt(
      Latencies(periods: rate * seconds), source: try UIOLine(device), mode: .normal)
    try sync.register(try Match(in: registers, period: period))
    try prepare(period)
    try sync.connect()
    try general.modify { $0[Configuration.isRunning] = true }
    let deadline = ContinuousClock.now + .seconds(3 * seconds + 10)
    try await Task.sleep(for: .seconds(seconds))
    while try await !sync.synchronize({ $0.isComplete }), ContinuousClock.now < deadline {
      try await Task.sleep(for: .milliseconds(20))
    }
    try await sync.synchronize { _ throws(UIOError) in
      _ = try self.configuration.modify {
        $0[TimerConfiguration.interrupts] = false
        $0[TimerConfiguration.isPeriodic] = false
      }
    }
    try sync.disconnect()
    let latencies = try await sync.synchronize { $0 }
    guard latencies.isComplete else {
      throw Failure(
        description: "\(device): only \(latencies.ticks.count) interrupts and \(latencies.missed)"
          + " missed in the time for \(rate * seconds); is its interrupt on pin \(Self.pin)?")
    }
    return latencies
  }

  /// Quiet until the counter runs, and then a first match after one period. A counter that was
  /// given to UIO has no other user.
  private func prepare(_ period: UInt64) throws(UIOError) {
    let comparator = try Register<Comparator>(in: registers)
    try general.modify { $0[Configuration.isRunning] = false }
    try Register<MainCounter>(in: registers).write { $0[MainCounter.ticks] = 0 }
    try configuration.modify {
      $0[TimerConfiguration.interrupts] = false
      $0[TimerConfiguration.isPeriodic] = false
      $0[TimerConfiguration.isLevel] = true
      $0[TimerConfiguration.is32Bits] = false
      $0[TimerConfiguration.usesMessages] = false
      $0[TimerConfiguration.pin] = Self.pin
    }
    try Register<InterruptStatus>(in: registers).write { $0.clear(InterruptStatus.timer1) }
    // QEMU takes a 64-bit write as two of 32 bits, and VAL_SET_CNF goes with the first: the upper
    // half of the first match has to be there before.
    try comparator.write { $0[Comparator.ticks] = period }
    try configuration.modify {
      $0[TimerConfiguration.isPeriodic] = true
      $0[TimerConfiguration.setsFirstMatch] = true
      $0[TimerConfiguration.interrupts] = true
    }
    // First match, then period (2.3.9.2.2).
    try comparator.write { $0[Comparator.ticks] = period }
    try comparator.write { $0[Comparator.ticks] = period }
  }
}
