/// Latencies with callers of synchronized routines in the way.
enum ContentionReport {
  static func run(_ benchmark: ContentionBenchmark) throws -> ([Measurement], [String]) {
    var rows: [Measurement] = []
    var tables: [String] = []
    let policies = benchmark.machine.isRealtimePermitted ? [false, true] : [false]
    for isRealtime in policies {
      for callers in [1, 2, 4] {
        let found = try benchmark.callers(Int32(callers), isRealtime: isRealtime)
        let policy = isRealtime ? "FIFO" : "ordinary policy"
        rows.append(
          Measurement(
            "latency, 99.9th percentile, \(callers) callers, \(policy), against a PI mutex in C",
            ours: found[0].percentiles(0.999), peer: found[2].percentiles(0.999), unit: "µs"))
        tables.append(Report.table("latency, \(callers) callers, \(policy)", found))
      }
    }
    guard benchmark.machine.isRealtimePermitted else {
      return (rows, tables + ["SCHED_FIFO is not permitted here: no inversion was measured"])
    }
    let inversion = try InversionBenchmark(contention: benchmark).run()
    try Report.plot(
      "inversion", inversion.waits, interval: "wait for the lock", in: benchmark.options.folder)
    return (
      rows + inversion.rows,
      tables + [
        Report.table("inversion, wait for the lock", inversion.waits),
        Report.table("inversion, signal to routine", inversion.latencies),
      ]
    )
  }
}
