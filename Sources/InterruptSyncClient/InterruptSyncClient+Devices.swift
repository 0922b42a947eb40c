// Looking: devices, statistics, metrics. The role observe.
import Varlink

extension InterruptSyncClient {
  /// Every device that the caller may look at, in no order that lasts.
  /// - Throws: `permissionDenied`, `disconnected`, `timedOut`, `protocolViolation`.
  public func listDevices() throws(InterruptSyncClientError) -> [Device] {
    var devices: [Device] = []
    for reader in try connection.call("ListDevices", operation: "list devices").reader.readers(
      "devices")
    {
      devices.append(try Device(reader))
    }
    return devices
  }

  /// One device.
  /// - Throws: `noSuchDevice`, and as `listDevices`.
  public func describe(_ device: String) throws(InterruptSyncClientError) -> Device {
    let reply = try connection.call(
      "DescribeDevice", ["device": .string(device)], device: device, operation: "describe")
    return try Device(try reply.reader.reader("device"))
  }

  /// What devices do from now on, on a connection of its own: first all there are, then changes.
  /// - Throws: `notRunning`, and as `listDevices`.
  public func watchDevices() throws(InterruptSyncClientError) -> DeviceChanges {
    DeviceChanges(try another().stream("WatchDevices", operation: "watch devices"))
  }

  /// What every line has done.
  /// - Throws: as `listDevices`.
  public func statistics() throws(InterruptSyncClientError) -> [DeviceStatistics] {
    try statistics([:], device: nil)
  }

  /// What one line has done.
  /// - Throws: `noSuchDevice`, and as `listDevices`.
  public func statistics(
    of device: String
  ) throws(InterruptSyncClientError) -> DeviceStatistics {
    let all = try statistics(["device": .string(device)], device: device)
    guard let first = all.first, all.count == 1 else {
      throw InterruptSyncClientError(
        .protocolViolation, object: device, operation: "get statistics",
        cause: "the daemon answered for \(all.count) devices")
    }
    return first
  }

  private func statistics(
    _ parameters: JSONObject, device: String?
  ) throws(InterruptSyncClientError) -> [DeviceStatistics] {
    let reply = try connection.call(
      "GetStatistics", parameters, device: device, operation: "get statistics")
    var statistics: [DeviceStatistics] = []
    for reader in try reply.reader.readers("statistics") {
      statistics.append(try DeviceStatistics(reader))
    }
    return statistics
  }

  /// The same and more as OpenMetrics text.
  /// - Throws: as `listDevices`.
  public func metrics() throws(InterruptSyncClientError) -> String {
    try connection.call("GetMetrics", operation: "get metrics").reader.string("text")
  }
}
