package import UIO

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
