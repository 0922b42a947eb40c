// Configuration room. One `.device` file with its drop-ins, and the same made of the command line's
// options: both are read by the same sections and keys. ConfigurationSet and the program's
// DeviceArguments make them; DeviceRegistry and ManagedDevice read them. Pure values, on the
// control thread; no lock.
package import UIO

/// What a `.device` file says.
package struct DeviceFile: Equatable, Sendable {
  /// `10-edu.device`.
  package let name: String
  package var match = DeviceMatch()
  package var device = DeviceSettings()
  /// In the order in which they are registered.
  package var routines: [RoutineSettings] = []

  static let schema = [
    SectionSchema(DeviceMatch.Key.self), SectionSchema(DeviceSettings.Key.self),
    SectionSchema(RoutineSettings.Key.self, isRepeated: true),
  ]

  init(_ document: MergedDocument, _ diagnostics: inout [Diagnostic]) {
    name = document.name.split(separator: "/").last.map(String.init) ?? document.name
    let match = document.sections(DeviceMatch.Key.section).first
    var matchReader = SectionReader(match, DeviceMatch.Key.self)
    self.match = DeviceMatch(&matchReader)
    diagnostics += matchReader.diagnostics
    if match?.values.isEmpty ?? true, !document.isPartial,
      !document.damagedSections.contains(DeviceMatch.Key.section)
    {
      diagnostics.append(
        Diagnostic(
          match?.position ?? document.origin, "the file does not say which devices it matches",
          hint:
            "write a section [Match] with Id=, PCIDevice=, Name= or Driver=; Id=* matches all devices"
        ))
    }
    var deviceReader = SectionReader(
      document.sections(DeviceSettings.Key.section).first, DeviceSettings.Key.self)
    device = DeviceSettings(&deviceReader)
    diagnostics += deviceReader.diagnostics
    for section in document.sections(RoutineSettings.Key.section) {
      var reader = SectionReader(section, RoutineSettings.Key.self)
      routines.append(RoutineSettings(&reader))
      requireVectors(of: routines[routines.count - 1], &reader)
      diagnostics += reader.diagnostics
    }
    // Without Vectors= no vector is serviced that has no routine.
    let serviced = routines.compactMap(\.vectors)
    if !deviceReader.has(.vectors), !routines.isEmpty, serviced.count == routines.count {
      device.vectors = .listed(Set(serviced.joined()).sorted())
    }
  }

  /// A routine for a vector that is not serviced would never run.
  private func requireVectors(
    of routine: RoutineSettings, _ reader: inout SectionReader<RoutineSettings.Key>
  ) {
    guard case .listed(let serviced) = device.vectors,
      let other = routine.vectors?.first(where: { !serviced.contains($0) })
    else { return }
    reader.report(
      .vector,
      ValueFault(
        "vector \(other) is not among those of Vectors=", hint: "name it there, or leave it out"))
  }

  /// How the device or software line `id` is serviced if this file is for it.
  /// - Parameter vector: of a device of VFIO.
  func configuration(of id: String, vector: Int? = nil) -> DeviceConfiguration {
    DeviceConfiguration(
      id: .stable(id), settings: device, routines: routines.filter { $0.services(vector) })
  }
}

/// One device to service, from the command line or a file.
package struct DeviceConfiguration: Equatable, Sendable {
  package var id: UIODeviceID
  package var settings: DeviceSettings
  /// Registered in this order.
  package var routines: [RoutineSettings]

  package init(
    id: UIODeviceID, settings: DeviceSettings = DeviceSettings(), routines: [RoutineSettings]
  ) {
    self.id = id
    self.settings = settings
    self.routines = routines
  }
}

// MARK: The command line

/// One option about a device, by its place on the command line.
package struct DeviceOption: Equatable, Sendable {
  package let name: String
  package let value: String
  /// From 1.
  package let argument: Int

  package init(name: String, value: String, argument: Int) {
    self.name = name
    self.value = value
    self.argument = argument
  }

  /// The options, and the key that each assigns.
  private enum Assignee {
    case device(DeviceSettings.Key)
    case routine(RoutineSettings.Key)
  }

  private static let assignees: [String: Assignee] = [
    "--claim": .routine(.claim), "--acknowledge": .routine(.acknowledge), "--mode": .device(.mode),
    "--rearm": .device(.rearm), "--realtime": .device(.priority), "--cpus": .device(.processors),
  ]

  package static var names: Set<String> { Set(assignees.keys) }

  fileprivate var position: SourcePosition {
    SourcePosition(path: "argument \(argument) (\(name))")
  }

  /// The section that the option belongs to, and its assignment there.
  fileprivate var assignment: (section: String, ConfigurationFile.Assignment)? {
    var text = LocatedText(at: position)
    text.append(Array(value.utf8), at: position)
    switch Self.assignees[name] {
    case .device(let key): return (DeviceSettings.Key.section, made(key.rawValue, text))
    case .routine(let key): return (RoutineSettings.Key.section, made(key.rawValue, text))
    case nil: return nil
    }
  }

  private func made(_ key: String, _ value: LocatedText) -> ConfigurationFile.Assignment {
    ConfigurationFile.Assignment(key: key, position: position, value: value.trimmed)
  }
}

extension DeviceConfiguration {
  /// Reads a device of the command line: its options are the assignments of a device file in memory
  /// with one [Routine]. Later options replace earlier ones, except that the device's own
  /// `--acknowledge` options add up, and replace the common ones together.
  ///
  /// - Parameters:
  ///   - common: the options in front of the first device.
  ///   - own: the device's own options.
  /// - Throws: `UIOError` if the device's name is malformed, `ConfigurationError` with every fault of
  ///   the options.
  package init(device: String, common: [DeviceOption], own: [DeviceOption]) throws {
    let id = try UIODeviceID(device)
    var diagnostics: [Diagnostic] = []
    let file = Self.file(device, Self.effective(common, own), &diagnostics)
    // Partial: a device of the command line needs no [Match].
    let document = MergedDocument(
      name: device, files: [file], schema: DeviceFile.schema, isPartial: true, &diagnostics)
    let read = DeviceFile(document, &diagnostics)
    guard diagnostics.isEmpty else { throw ConfigurationError(diagnostics) }
    self.init(id: id, settings: read.device, routines: read.routines)
  }

  /// The options that apply, each once unless it adds up.
  private static func effective(_ common: [DeviceOption], _ own: [DeviceOption]) -> [DeviceOption] {
    let all = common + own
    return DeviceOption.names.sorted().flatMap { name -> [DeviceOption] in
      guard name == "--acknowledge" else { return all.last { $0.name == name }.map { [$0] } ?? [] }
      let writes = own.filter { $0.name == name }
      return writes.isEmpty ? common.filter { $0.name == name } : writes
    }
  }

  private static func file(
    _ device: String, _ options: [DeviceOption], _ diagnostics: inout [Diagnostic]
  ) -> ConfigurationFile {
    let origin = SourcePosition(path: device)
    var file = ConfigurationFile(path: device)
    for name in [DeviceSettings.Key.section, RoutineSettings.Key.section] {
      var section = ConfigurationFile.Section(name: name, position: origin)
      for option in options {
        guard let (home, assignment) = option.assignment, home == name else { continue }
        // In a file an empty value resets the key.
        if assignment.value.isEmpty {
          diagnostics.append(Diagnostic(option.position, "the value is empty"))
        } else {
          section.assignments.append(assignment)
        }
      }
      file.sections.append(section)
    }
    return file
  }
}
