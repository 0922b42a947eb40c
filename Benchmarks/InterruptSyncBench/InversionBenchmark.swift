import CFloor

/// A caller of low priority holds the lock, a hog of middle priority keeps it from the processor, and
/// the service routine of high priority waits for both.
struct InversionBenchmark {
  let contention: ContentionBenchmark

  private static let hold: UInt64 = 50_000
  /// Shots between two pauses in which the kernel's throttling forgets the real-time threads.
  private static let shots = 1_000
  private static let parts = 4

  /// The results of one server.
  struct Found {
    /// From wanting the lock to having it, of those dispatches that had to wait.
    var waits: Distribution
    /// From signal to routine, of all.
    var latencies: Distribution
    /// The longest that the lock was held in each round, in microseconds of its holder's time.
    var holds: [Double] = []

    init(_ name: String) {
      waits = Distribution(name)
      latencies = Distribution(name)
    }
  }

  func run() throws -> (rows: [Measurement], waits: [Distribution], latencies: [Distribution]) {
    // The machine's own delays: no other thread wants the processor or the lock.
    var alone = try measure(callers: 0, of: 1)[0].latencies
    alone.name += ", without competition"
    let place = placement(priority: Machine.middle, processor: Int32(machine.processor))
    guard let hog = unsafe load_hog(4_000_000, 6_000_000, place) else {
      throw BenchmarkFailure("cannot create a hog of priority \(Machine.middle)")
    }
    defer { unsafe load_stop(hog) }
    let found = try measure(callers: 1, of: 3)
    return (rows(found, alone), found.map(\.waits), found.map(\.latencies) + [alone])
  }

  private var machine: Machine { contention.machine }

  private func rows(_ found: [Found], _ alone: Distribution) -> [Measurement] {
    let ours = found[0].waits.percentiles(0.999)
    let latencies = found[0].latencies.percentiles(0.999)
    func row(_ name: String, _ ours: [Double], _ peer: [Double], bar: Double? = nil) -> Measurement
    {
      Measurement("inversion: \(name)", ours: ours, peer: peer, unit: "µs", bar: bar)
    }
    return [
      row(
        "wait for the lock, 99.9th percentile, against longest hold + 100 µs", ours,
        found[0].holds.map { $0 + 100 }, bar: 1),
      row(
        "wait for the lock, 99.9th percentile, against a plain mutex in C", ours,
        found[1].waits.percentiles(0.999), bar: 0.1),
      row(
        "wait for the lock, 99.9th percentile, against a PI mutex in C", ours,
        found[2].waits.percentiles(0.999)),
      row(
        "signal to routine, 99.9th percentile, against a plain mutex in C", latencies,
        found[1].latencies.percentiles(0.999)),
      row(
        "signal to routine, 99.9th percentile, against itself without competition", latencies,
        alone.percentiles(0.999)),
    ]
  }

  private func measure(callers: Int32, of count: Int) throws -> [Found] {
    let contested = Array(try contention.contested(isRealtime: true).prefix(count))
    let low = placement(priority: Machine.low, processor: Int32(machine.processor))
    var found = contested.map { Found($0.server.name) }
    defer { machine.drive(false) }
    for round in 0..<contention.options.rounds {
      for turn in contested.indices {
        let index = (turn + round) % contested.count
        let one = contested[index]
        guard let load = unsafe load_callers(callers, one.call, one.object, Self.hold, 50_000, low)
        else { throw BenchmarkFailure("cannot create the threads that call \(one.server.name)") }
        defer { unsafe load_stop(load) }
        let samples = try shoot(one)
        found[index].latencies.add(samples.latencies)
        found[index].waits.add(samples.waits)
        unsafe found[index].holds.append(Double(load_longest_hold(load)) / 1000)
      }
    }
    return found
  }

  /// One shot after the other, each asked whether it had to wait.
  private func shoot(_ one: ContentionBenchmark.Contested) throws -> (
    latencies: [UInt64], waits: [UInt64]
  ) {
    var (latencies, waits): ([UInt64], [UInt64]) = ([], [])
    let pace = probe_pace(shots: 1, shortest: 100_000, longest: 300_000)
    _ = one.takeWait()
    for _ in 0..<Self.parts {
      machine.drive(true)
      for _ in 0..<Self.shots {
        latencies += try one.server.target.drive(pace, serving: one.server.name)
        let wait = one.takeWait()
        if wait > 0 { waits.append(wait) }
      }
      machine.drive(false)
      Machine.breathe()
    }
    return (latencies, waits)
  }
}
