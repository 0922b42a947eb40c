// Every figure is a ratio to a peer measured in turns with it, because machines are noisy.
import ArgumentParser
import Glibc

struct Comparison: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare", abstract: "Measures on this machine, and starts guests. The default.")

  @Option(help: "Where the report is written, as JSON.") var report: String

  @Option(help: "The folder of the plots; the report's by default.") var plots: String?

  @Option(help: "The processor the measured threads run on; the last one by default.")
  var processor: Int = sysconf(Int32(_SC_NPROCESSORS_ONLN)) - 1

  @Option(help: "libinterruptsync.so, to measure the C interface as well.")
  var library: String?

  @Option(help: "The program around DPDK's interrupt thread, to measure beside it.")
  var dpdk: String?

  @Option(help: "interruptsyncd, to measure it from outside.")
  var daemon: String?

  @Option(
    help: "What boots a guest of a kernel series, its last argument, with real lines to measure.")
  var guest: String?

  @Option(help: "check-hot, to look at the machine code of a dispatch.")
  var gate: String?

  @Option(help: "Rounds of the latency benchmarks.") var rounds = 5

  @Option(
    help:
      "Only what the name of one of these parts: \(Part.allCases.map(\.rawValue).joined(separator: ", "))."
  )
  var only: [Part] = []

  func run() throws {
    // Plots, pipes and a thousand lines need more descriptors than a shell gives.
    raiseDescriptorLimit()
    let machine = Machine(processor: processor)
    let options = BenchmarkOptions(dpdk: dpdk, folder: plots ?? folder(of: report), rounds: rounds)
    var rows: [Measurement] = []
    var failures: [String] = []
    for part in only.isEmpty ? Part.allCases : only {
      let start = DispatchBenchmark.nanoseconds()
      do {
        let (measured, tables) = try measure(part, machine, options)
        rows += measured
        for table in tables { print(table + "\n") }
      } catch let failure as BenchmarkFailure {
        failures.append("\(part.rawValue): \(failure)")
      }
      let took = (DispatchBenchmark.nanoseconds() - start) / 1_000_000_000
      print("measured: \(part.rawValue), \(took) s")
      fflush(nil)
    }
    print(Report.table(rows))
    try Report.write(try Report.json(rows), to: report)
    guard failures.isEmpty else {
      throw BenchmarkFailure("not measured: " + failures.joined(separator: "; "))
    }
  }

  private func measure(_ part: Part, _ machine: Machine, _ options: BenchmarkOptions) throws
    -> ([Measurement], [String])
  {
    switch part {
    case .dispatch:
      return (
        try [(1, 1.02), (4, 1.02), (16, 1.05)].map {
          try DispatchBenchmark.run(routines: $0.0, processor: processor, bar: $0.1)
        } + [try MessageDispatchBenchmark.run(processor: processor, bar: 1.02)], []
      )
    case .surfaces: return (try surfaces(), [])
    case .calls: return (try CallBenchmark.run(machine: machine), [])
    case .counts: return (try HotPathBenchmark.run(machine: machine, gate: gate), [])
    case .latency:
      var latency = LatencyReport(machine: machine, options: options)
      try latency.run()
      return (latency.rows, latency.tables)
    case .burst: return (try BurstBenchmark.run(machine: machine, options: options), [])
    case .group: return (try GroupBenchmark.run(machine: machine), [])
    case .churn: return (try ChurnBenchmark.run(machine: machine, options: options), [])
    case .removal: return (try RemovalBenchmark.run(machine: machine, options: options), [])
    case .observers:
      return (try ObserverBenchmark.run() + RingRateBenchmark.run(processor: processor), [])
    case .storm:
      let (rows, found) = try StormBenchmark(machine: machine, options: options).run()
      return (rows, [Report.table("latency beside a storm", found)])
    case .daemon: return try daemon.map { try measureDaemon($0, options) } ?? ([], [])
    case .guest:
      return try guest.map { try GuestBenchmark(command: $0, options: options).run() } ?? ([], [])
    case .contention:
      return try ContentionReport.run(ContentionBenchmark(machine: machine, options: options))
    }
  }

  private func measureDaemon(_ program: String, _ options: BenchmarkOptions) throws
    -> ([Measurement], [String])
  {
    let rows = try DaemonBenchmark(program: program, processor: Int32(processor)).run()
    let (more, found) = try RingBenchmark(program: program).run()
    try Report.plot(
      "records of the daemon", found, interval: "trigger or record to client", in: options.folder)
    return (rows + more, [Report.table("records of the daemon", found)])
  }

  private func surfaces() throws -> [Measurement] {
    var rows: [Measurement] = []
    if let library {
      guard let surface = CSurface(path: library) else {
        throw ValidationError("\(library) cannot be loaded; make lib builds it")
      }
      rows += try SurfaceBenchmark.run(surface, processor: processor, bar: 1.15)
    }
    rows += try WindowsBenchmark.run(processor: processor, bar: 1.15)
    rows += try TypedBenchmark.run(processor: processor, bar: 1.15)
    return rows
  }

  private func folder(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
  }

  private func raiseDescriptorLimit() {
    var limit = rlimit()
    unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = limit.rlim_max
    unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}
