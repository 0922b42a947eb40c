/// What the daemon is to do.
package struct ServiceConfiguration: Sendable {
  /// Devices that were named: without one of them there is no service.
  package var devices: [DeviceConfiguration]
  /// Says which other devices are served, now and when they come; nil: none.
  package var files: ConfigurationSet?
  /// One JSON object per line instead of text.
  package var isJSON: Bool
  /// Seconds after which it ends by itself; nil: never.
  package var duration: Double?
  /// Triggers a second of the software line that is served when there is no device.
  package var softwareRate: UInt64

  package init(
    devices: [DeviceConfiguration], files: ConfigurationSet? = nil, isJSON: Bool = false,
    duration: Double? = nil, softwareRate: UInt64 = 1000
  ) {
    self.devices = devices
    self.files = files
    self.isJSON = isJSON
    self.duration = duration
    self.softwareRate = softwareRate
  }
}
