/// A section after all files had their say: of each key what counts.
struct MergedSection: Equatable, Sendable {
  let name: String
  /// The first header.
  let position: SourcePosition
  /// Never an empty list.
  private(set) var values: [String: [ConfigurationFile.Assignment]] = [:]

  init(name: String, position: SourcePosition) {
    self.name = name
    self.position = position
  }

  /// What counts, by key; the assignments of a list in their order.
  var assignments: [ConfigurationFile.Assignment] {
    values.sorted { $0.key < $1.key }.flatMap(\.value)
  }

  /// An empty value resets, a list grows, anything else is replaced.
  mutating func apply(_ assignment: ConfigurationFile.Assignment, isList: Bool) {
    if assignment.value.isEmpty {
      values[assignment.key] = nil
    } else if isList {
      values[assignment.key, default: []].append(assignment)
    } else {
      values[assignment.key] = [assignment]
    }
  }
}
