import CFloor
import InterruptSync

/// Latencies under each load: the rows of the report, and a plot and a table of each distribution.
struct LatencyReport {
  let machine: Machine
  let options: BenchmarkOptions
  private(set) var rows: [Measurement] = []
  private(set) var tables: [String] = []

  init(machine: Machine, options: BenchmarkOptions) {
    self.machine = machine
    self.options = options
  }

  mutating func run() throws {
    try oneLine(realtime: false, PROBE_EVENT, "eventfd", LatencyBenchmark.busy, median: 1.1)
    try oneLine(realtime: false, PROBE_TOTALS, "pipe", LatencyBenchmark.busy)
    try oneLine(realtime: false, PROBE_EVENT, "eventfd", LatencyBenchmark.quiet)
    try manyRoutines()
    try manyLines()
    guard machine.isRealtimePermitted else {
      return tables.append("SCHED_FIFO is not permitted here: its figures are missing")
    }
    try oneLine(realtime: true, PROBE_EVENT, "eventfd", LatencyBenchmark.busy, tail: 1.25)
  }

  private mutating func oneLine(
    realtime: Bool, _ kind: probe_kind, _ descriptor: String,
    _ load: (name: String, pace: probe_pace), median: Double? = nil, tail: Double? = nil
  ) throws {
    let benchmark = LatencyBenchmark(machine: machine, options: options, isRealtime: realtime)
    // A loop that never sleeps is no floor where every server is to sleep.
    let isBusy = load.name == LatencyBenchmark.busy.name
    let found = try benchmark.measure(
      try benchmark.servers(kind), load.pace, floor: isBusy ? kind : nil)
    let name = "adaptive, \(load.name), \(descriptor)" + (realtime ? ", FIFO" : "")
    compare(
      found, "InterruptSync, adaptive", name, median: median, tail: tail, peer: "C, spin",
      called: "the loop in C that never sleeps")
    compare(found, "InterruptSync, adaptive", name)
    if realtime { compare(found, "InterruptSync, adaptive", name, peer: "DPDK, made FIFO") }
    try show(
      "latency, \(load.name), \(descriptor)" + (realtime ? ", FIFO" : ", ordinary policy"), found)
  }

  private mutating func manyRoutines() throws {
    let benchmark = LatencyBenchmark(machine: machine, options: options, isRealtime: false)
    let found = try benchmark.measure(
      try benchmark.servers(PROBE_EVENT, routines: 8), LatencyBenchmark.busy.pace)
    compare(found, "InterruptSync, adaptive", "adaptive, 8 routines, eventfd")
    try show("latency, 8 routines, eventfd, ordinary policy", found)
  }

  /// 64 lines in turn: a thread each, one thread for all, and DPDK's one for all.
  private mutating func manyLines() throws {
    let benchmark = LatencyBenchmark(machine: machine, options: options, isRealtime: false)
    var servers: [any Server] = [
      try CoreServer(
        "InterruptSync, threads", try Target(PROBE_EVENT, lines: 64), benchmark.attributes(.block)),
      try GroupServer(
        "InterruptSync, group", try Target(PROBE_EVENT, lines: 64),
        benchmark.attributes(.adaptive())),
    ]
    if let dpdk = try benchmark.dpdk(try Target(PROBE_EVENT, lines: 64)) { servers.append(dpdk) }
    let found = try benchmark.measure(servers, LatencyBenchmark.busy.pace)
    compare(found, "InterruptSync, group", "64 lines on one group, eventfd")
    try show("latency, 64 lines in turn, eventfd, ordinary policy", found)
  }

  /// Rows against a peer, where it was measured.
  private mutating func compare(
    _ found: [Distribution], _ ours: String, _ name: String, median: Double? = nil,
    tail: Double? = nil, peer: String = "DPDK", called: String? = nil
  ) {
    let name = "\(name), against \(called ?? peer)"
    guard let ours = found.first(where: { $0.name == ours }),
      let peer = found.first(where: { $0.name == peer })
    else { return }
    for (what, share, bar) in [("median", 0.5, median), ("99.9th percentile", 0.999, tail)] {
      rows.append(
        Measurement(
          "latency, \(what), \(name)", ours: ours.percentiles(share),
          peer: peer.percentiles(share), unit: "µs", bar: bar))
    }
  }

  private mutating func show(_ title: String, _ found: [Distribution]) throws {
    tables.append(Report.table(title, found))
    try Report.plot(title, found, in: options.folder)
  }
}
