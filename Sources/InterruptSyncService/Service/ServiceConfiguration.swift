// Service room. What the program asks of the service, made of its command line and the files.
// `main` makes it before the control thread's loop starts, Service reads it. Plain values; control
// thread, no lock.

/// The devices, files and sockets of one run.
package struct ServiceConfiguration: Sendable {
  /// Devices of the command line. The service does not start without each of them.
  package var devices: [DeviceConfiguration]
  /// Says which other devices are serviced, now and when they come; nil: none.
  package var files: ConfigurationSet?
  /// `files` are the last accepted ones, because those of the file system are invalid.
  package var isKept = false
  /// Print one JSON object per line instead of text.
  package var isJSON: Bool
  /// Seconds after which the service exits; nil: never.
  package var duration: Double?
  /// Triggers a second of the software line, if there is no device.
  package var softwareRate: UInt64

  /// Paths of the sockets for clients.
  package var sockets: [String]
  /// Prints what devices did, each second and at the end.
  package var printsStatus: Bool
  /// Reads the files for a reload; nil: there are none.
  package var read: (@Sendable () throws(ConfigurationError) -> ConfigurationSet)?

  package init(
    devices: [DeviceConfiguration], files: ConfigurationSet? = nil, isJSON: Bool = false,
    duration: Double? = nil, softwareRate: UInt64 = 1000, sockets: [String] = [],
    printsStatus: Bool = true,
    read: (@Sendable () throws(ConfigurationError) -> ConfigurationSet)? = nil
  ) {
    self.devices = devices
    self.files = files
    self.isJSON = isJSON
    self.duration = duration
    self.softwareRate = softwareRate
    self.sockets = sockets
    self.printsStatus = printsStatus
    self.read = read
  }

  /// Without device, file and socket there is nothing to look for.
  var servesDevices: Bool { !devices.isEmpty || files != nil || !sockets.isEmpty }

  var hasSoftwareLine: Bool { !servesDevices }
}
