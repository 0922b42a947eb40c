import Glibc

/// Shell patterns that a text fits or does not, as in systemd.link(5).
package struct PatternList: Equatable, Sendable {
  package var included: [String] = []
  package var excluded: [String] = []

  package var isEmpty: Bool { included.isEmpty && excluded.isEmpty }

  /// Whether one of the patterns fits and none of the excluding ones does. Patterns that only
  /// exclude let the rest in, also what has no text at all.
  package func admits(_ text: String?) -> Bool {
    func fits(_ pattern: String) -> Bool {
      text.map { unsafe fnmatch(pattern, $0, 0) == 0 } ?? false
    }
    return !excluded.contains(where: fits) && (included.isEmpty || included.contains(where: fits))
  }
}
