// Sets of processors as text, which people and the kernel write alike. Floor 1; Procfs, Sysfs,
// WorkerThread, the placement and watching of threads in Serving, the daemon's settings and
// interruptsyncctl call it. Pure functions, for any thread, without a lock.

/// Processors, as people and the kernel list them.
package enum ProcessorList {
  /// The number of processors that a thread's affinity can name.
  package static let limit = 1024

  /// Reads `3`, `0-3` or both joined by commas; nil for anything else.
  package static func parse(_ text: some StringProtocol) -> Set<Int>? {
    var found: Set<Int> = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2,
        0 <= first, first <= last, last < limit
      else { return nil }
      found.formUnion(first...last)
    }
    return found
  }

  /// `0,2,3`, as the kernel takes it.
  package static func text(_ processors: Set<Int>) -> String {
    processors.sorted().map(String.init).joined(separator: ",")
  }
}
