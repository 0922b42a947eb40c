// One configuration: a file and its drop-ins, laid over one another key by key.

/// A merged file. What it says is known to be made of known sections and keys.
struct MergedDocument: Equatable, Sendable {
  /// The path below the configuration folders.
  let name: String
  /// Where to point to when something is missing.
  let origin: SourcePosition
  private(set) var sections: [MergedSection] = []
  /// Something could not be read, and what seems to be missing may be in it.
  private(set) var isDamaged: Bool
  /// Has keys that nobody knows: what seems to be missing may be one of them.
  private(set) var damagedSections: Set<String> = []

  /// Lays `files` over one another.
  init(
    name: String, files: [ConfigurationFile], schema: [SectionSchema], isDamaged: Bool,
    _ diagnostics: inout [Diagnostic]
  ) {
    self.name = name
    origin = SourcePosition(path: files.first?.path ?? name)
    self.isDamaged = isDamaged
    for file in files {
      var labels: [String: SourcePosition] = [:]
      for section in file.sections {
        guard let rules = schema.first(where: { $0.name == section.name }) else {
          diagnostics.append(Self.unknown(section, schema))
          self.isDamaged = true
          continue
        }
        let index = place(of: section, rules, &labels, &diagnostics)
        for assignment in section.assignments {
          guard let isList = rules.keys[assignment.key] else {
            diagnostics.append(Self.unknown(assignment, rules, schema))
            damagedSections.insert(section.name)
            continue
          }
          sections[index].apply(assignment, isList: isList)
        }
      }
    }
  }

  func sections(_ name: String) -> [MergedSection] { sections.filter { $0.name == name } }

  /// The section that `section` adds to. One that repeats adds to that of the same Name= in an
  /// earlier file, and is a new one otherwise; within one file no two have the same.
  private mutating func place(
    of section: ConfigurationFile.Section, _ rules: SectionSchema,
    _ labels: inout [String: SourcePosition], _ diagnostics: inout [Diagnostic]
  ) -> Int {
    var label: LocatedText?
    if rules.isRepeated {
      label = section.assignments.last { $0.key == "Name" && !$0.value.isEmpty }?.value
    }
    if let label, let other = labels.updateValue(section.position, forKey: label.string) {
      diagnostics.append(
        Diagnostic(
          label.position, "there is another [\(section.name)] named \(label.string) at \(other)",
          hint: "give each a name of its own"))
    }
    let known = sections.firstIndex {
      guard $0.name == section.name else { return false }
      if !rules.isRepeated { return true }
      return label != nil && $0.values["Name"]?.last?.value.string == label?.string
    }
    if let known { return known }
    sections.append(MergedSection(name: section.name, position: section.position))
    return sections.count - 1
  }

  private static func unknown(
    _ section: ConfigurationFile.Section, _ schema: [SectionSchema]
  ) -> Diagnostic {
    Diagnostic(
      section.position, "there is no section [\(section.name)]",
      hint: Suggestion.hint(for: section.name, among: schema.map(\.name)))
  }

  private static func unknown(
    _ assignment: ConfigurationFile.Assignment, _ rules: SectionSchema, _ schema: [SectionSchema]
  ) -> Diagnostic {
    let home = schema.first { $0.keys[assignment.key] != nil }
    let hint =
      home.map { "\(assignment.key)= belongs in [\($0.name)]" }
      ?? Suggestion.hint(for: assignment.key, among: rules.keys.keys, suffix: "=")
    return Diagnostic(
      assignment.position, "[\(rules.name)] has no key \(assignment.key)=", hint: hint)
  }
}

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
