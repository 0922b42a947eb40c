/// What the daemon is to do.
public struct ServiceConfiguration: Sendable {
  public var devices: [DeviceConfiguration]
  /// One JSON object per line instead of text.
  public var isJSON: Bool
  /// Seconds after which it ends by itself; nil: never.
  public var duration: Double?
  /// Triggers a second of the software line that is served when there is no device.
  public var softwareRate: UInt64

  public init(
    devices: [DeviceConfiguration], isJSON: Bool = false, duration: Double? = nil,
    softwareRate: UInt64 = 1000
  ) {
    self.devices = devices
    self.isJSON = isJSON
    self.duration = duration
    self.softwareRate = softwareRate
  }
}
