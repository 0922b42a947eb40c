/// What `watchDevices` tells.
public struct DeviceChange: Sendable {
  /// What happened to the devices.
  public enum Event: String, Sendable {
    /// They are all there are: the first, and after changes were missed.
    case present
    /// They came.
    case added
    /// Their state or their configuration is another.
    case changed
    /// They went away and are not waited for.
    case removed
  }

  /// What happened.
  public let event: Event
  /// To which devices.
  public let devices: [Device]

  init(_ reader: ReplyReader) throws(InterruptSyncClientError) {
    guard let event = Event(rawValue: try reader.string("event")) else {
      throw reader.violation("an unknown event")
    }
    self.event = event
    var devices: [Device] = []
    for device in try reader.readers("devices") { devices.append(try Device(device)) }
    self.devices = devices
  }
}
