package import UIO

/// One `.device` file with its drop-ins.
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
    if match?.values.isEmpty ?? true, !document.isDamaged,
      !document.damagedSections.contains(DeviceMatch.Key.section)
    {
      diagnostics.append(
        Diagnostic(
          match?.position ?? document.origin, "nothing says which devices the file is for",
          hint:
            "write a section [Match] with Id=, PCIDevice=, Name= or Driver=; Id=* is all devices"
        ))
    }
    var deviceReader = SectionReader(
      document.sections(DeviceSettings.Key.section).first, DeviceSettings.Key.self)
    device = DeviceSettings(&deviceReader)
    diagnostics += deviceReader.diagnostics
    for section in document.sections(RoutineSettings.Key.section) {
      var reader = SectionReader(section, RoutineSettings.Key.self)
      routines.append(RoutineSettings(&reader))
      diagnostics += reader.diagnostics
    }
  }
}

/// One device to be served, whoever said so: the command line or a file.
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
