/// Everything that is wrong with a configuration, at once.
package struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
  /// In the order in which the files were read, and of the lines in each.
  package let diagnostics: [Diagnostic]

  init(_ found: [Diagnostic]) {
    var order: [String: Int] = [:]
    for diagnostic in found where order[diagnostic.position.path] == nil {
      order[diagnostic.position.path] = order.count
    }
    diagnostics = found.sorted { left, right in
      let (first, second) = (left.position, right.position)
      return (order[first.path] ?? 0, first.line, first.column)
        < (order[second.path] ?? 0, second.line, second.column)
    }
  }

  package var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}
