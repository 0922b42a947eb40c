// Every figure is a ratio to a peer measured in turns with it, because machines are noisy.
import ArgumentParser
import CFloor
import Glibc

struct Comparison: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare", abstract: "Measures on this machine, and starts guests. The default.")

  /// Seconds that a run without guests may take.
  private static let limit: UInt64 = 300

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

  @Option(help: "The measured revision, for the history: git describe.")
  var revision = ""

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
    let place = MachineDescription()
    print(place.line)
    let began = probe_now()
    let options = BenchmarkOptions(dpdk: dpdk, folder: plots ?? folder(of: report), rounds: rounds)
    var rows: [Measurement] = []
    var failures: [String] = []
    let parts = only.isEmpty ? Part.allCases : only
    for part in parts {
      let start = probe_now()
      do {
        let (measured, tables) = try measure(part, machine, options)
        rows += measured
        for table in tables { print(table + "\n") }
      } catch let failure as BenchmarkFailure {
        failures.append("\(part.rawValue): \(failure)")
      }
      print("measured: \(part.rawValue), \((probe_now() - start) / 1_000_000_000) s")
      fflush(nil)
    }
    print(Report.table(rows))
    let took = (probe_now() - began) / 1_000_000_000
    print("\(took) s, load \(MachineDescription().load) at the end")
    if took > Self.limit, !parts.contains(.guest) {
      failures.append("all of it in \(Self.limit) s: it took \(took)")
    }
    try Report.write(try Report.json(rows), to: report)
    var history = try History(path: "\(folder(of: report))/history.json")
    try history.add(
      Run(
        date: place.date, revision: revision, machine: place.machine, kernel: place.kernel,
        load: place.load, rows: rows), plot: "\(options.folder)/history.svg")
    try judge(rows, failures)
  }

  /// Says in one line each which bars are missed, and which rows are too uncertain to say.
  private func judge(_ rows: [Measurement], _ failures: [String]) throws {
    var failures = failures.map { "not measured: \($0)" }
    for row in rows {
      let between = row.interval.map { Report.text($0, 3) }.joined(separator: " to ")
      if row.met == false {
        failures.append("missed: \(row.name): \(between), bar \(Report.text(row.bar ?? 0, 2))")
      }
      if row.isUncertain { failures.append("too uncertain: \(row.name): \(between)") }
    }
    guard failures.isEmpty else { throw BenchmarkFailure(failures.joined(separator: "\n")) }
  }

  private func measure(_ part: Part, _ machine: Machine, _ options: BenchmarkOptions) throws
    -> ([Measurement], [String])
  {
    switch part {
    case .dispatch:
      return (
        try [(1, 1.02), (4, 1.02), (16, 1.05)].map {
          try DispatchBenchmark.run(routines: $0.0, processor: processor, bar: $0.1)
        } + [
          try MessageDispatchBenchmark.run(processor: processor, bar: 1.02),
          try DispatchBenchmark.histograms(processor: processor, bar: 1.03),
        ], []
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
    case .growth:
      return try GrowthBenchmark(machine: machine, daemon: daemon).run()
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
      rows += try SurfaceBenchmark.run(surface, processor: processor, bar: 1.1)
    }
    rows += try WindowsBenchmark.run(processor: processor, bar: 1.1)
    rows += try TypedBenchmark.run(processor: processor, bar: 1.1)
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
