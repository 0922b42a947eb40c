/// Processors as people list them.
package enum ProcessorList {
  /// As many as the dispatcher's thread can be told to use.
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
}
