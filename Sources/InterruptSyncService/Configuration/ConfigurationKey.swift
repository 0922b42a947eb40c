/// The keys of one section.
protocol ConfigurationKey: RawRepresentable<String>, CaseIterable, Hashable, Sendable {
  /// The section's name.
  static var section: String { get }
  /// Assignments add up instead of replacing one another.
  var isList: Bool { get }
}

/// The same as a value.
struct SectionSchema: Sendable {
  let name: String
  /// Whether each key is a list.
  let keys: [String: Bool]
  /// Each section stands for itself, in order; otherwise those of one name are one.
  let isRepeated: Bool

  init<Key: ConfigurationKey>(_: Key.Type, isRepeated: Bool = false) {
    name = Key.section
    keys = Dictionary(uniqueKeysWithValues: Key.allCases.map { ($0.rawValue, $0.isList) })
    self.isRepeated = isRepeated
  }
}
