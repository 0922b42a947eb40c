import InterruptSync

/// The service routine: the counter has reached the comparator.
struct Match: ServiceRoutine {
  private let status: Register<InterruptStatus>
  private let counter: Register<MainCounter>
  private let comparator: Register<Comparator>
  private let configuration: Register<TimerConfiguration>
  private let period: UInt64
  /// The first match that has not been served.
  private var due: UInt64

  init(in registers: RegisterRegion, period: UInt64) throws(UIOError) {
    status = try Register(in: registers)
    counter = try Register(in: registers)
    comparator = try Register(in: registers)
    configuration = try Register(in: registers)
    self.period = period
    due = period
  }

  mutating func serve(_ latencies: inout Latencies) -> Disposition {
    do throws(UIOError) {
      guard try status.read()[InterruptStatus.timer1] else { return .notMine }
      let now = try counter.read()[MainCounter.ticks]
      let next = try comparator.read()[Comparator.ticks]
      // A match between that look and this write loses its interrupt: the next one finds two periods
      // gone and counts it as missed.
      try status.write { $0.clear(InterruptStatus.timer1) }
      latencies.add(Int64(bitPattern: now &- due), passed: Int((next &- due) / period))
      due = next
      if latencies.isComplete {
        try configuration.modify { $0[TimerConfiguration.interrupts] = false }
      }
      return .claimed
    } catch {
      // The device has gone.
      return .notMine
    }
  }
}
