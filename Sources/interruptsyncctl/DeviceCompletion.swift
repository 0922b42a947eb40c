import InterruptSyncClient
import UIO

/// The names of devices, for the shells' completion: never an error, and never a long wait.
enum DeviceCompletion {
  /// - Parameter words: the command line so far.
  static func names(_ words: [String]) -> [String] {
    var address: String?
    if let place = words.firstIndex(of: "--address"), place + 1 < words.count {
      address = words[place + 1]
    }
    let client = try? InterruptSyncClient(address: address, timeout: .seconds(1))
    if let devices = try? client?.listDevices() { return devices.map(\.id).sorted() }
    return UIODeviceInfo.all().map(\.stableID)
  }
}
