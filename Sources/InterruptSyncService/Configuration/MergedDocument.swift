// Configuration room. A file and its drop-ins, merged key by key, and the sections and keys that
// are known. ConfigurationSet makes it of files, DeviceFile of options; the settings of this room
// read its sections. Values have no meaning here. Pure values, on the control thread; no lock.

/// A merged file. It has known sections and keys only.
struct MergedDocument: Equatable, Sendable {
  /// The path below the configuration folders.
  let name: String
  /// The position to report if something is missing.
  let origin: SourcePosition
  private(set) var sections: [MergedSection] = []
  /// Some of the file is unread or elsewhere, so that nothing counts as missing.
  private(set) var isPartial: Bool
  /// Sections with unknown keys: what seems to be missing may be one of them.
  private(set) var damagedSections: Set<String> = []

  /// Merges `files`; later ones win.
  init(
    name: String, files: [ConfigurationFile], schema: [SectionSchema], isPartial: Bool,
    _ diagnostics: inout [Diagnostic]
  ) {
    self.name = name
    origin = SourcePosition(path: files.first?.path ?? name)
    self.isPartial = isPartial
    for file in files {
      var labels: [String: SourcePosition] = [:]
      for section in file.sections {
        guard let rules = schema.first(where: { $0.name == section.name }) else {
          diagnostics.append(Self.unknown(section, schema))
          self.isPartial = true
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

  /// The index of the section that `section` adds to. A section that may repeat adds to the one of
  /// the same Name= in an earlier file, and is a new one otherwise; within one file no two have the
  /// same Name=.
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
          hint: "give each its own name"))
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

/// A section after all files were merged: the assignments of each key that apply.
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

  /// What applies, by key; the assignments of a list in their order.
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
  /// Assignments add up instead of replacing each other.
  var isList: Bool { get }
}

/// The keys of one section, as a value.
struct SectionSchema: Sendable {
  let name: String
  /// Whether each key is a list.
  let keys: [String: Bool]
  /// Each section is separate, in order; otherwise sections of one name are merged.
  let isRepeated: Bool

  init<Key: ConfigurationKey>(_: Key.Type, isRepeated: Bool = false) {
    name = Key.section
    keys = Dictionary(uniqueKeysWithValues: Key.allCases.map { ($0.rawValue, $0.isList) })
    self.isRepeated = isRepeated
  }
}
