/// The options of all benchmarks of a run.
struct BenchmarkOptions {
  /// The program around DPDK's interrupt thread, if it is measured too.
  var dpdk: String?
  /// Where plots are left.
  var folder: String
  /// Rounds of the latency benchmarks; each has every server once.
  var rounds: Int
}
