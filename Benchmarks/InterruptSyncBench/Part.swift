import ArgumentParser

/// Parts of the benchmarks that can be run alone.
enum Part: String, CaseIterable, ExpressibleByArgument {
  case dispatch, surfaces, calls, counts, latency, burst, group, contention, churn, storm, removal,
    observers, daemon, guest
}
