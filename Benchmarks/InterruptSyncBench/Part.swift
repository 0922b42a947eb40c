import ArgumentParser

/// Parts of the benchmarks that can be run alone.
enum Part: String, CaseIterable, ExpressibleByArgument {
  case dispatch, surfaces, calls, counts, latency, burst, group, growth
  case contention, churn, storm, removal, observers, daemon, guest
}
