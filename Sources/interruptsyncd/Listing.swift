import InterruptSyncService
import UIO

enum Listing {
  static func print(_ devices: [UIODeviceInfo]) {
    if devices.isEmpty {
      Journal.standard.log(
        .notice,
        "no UIO device here\nhint: give one to a UIO driver (interruptsyncctl bind 0000:00:03.0)")
    }
    for device in devices {
      let bars = device.pci?.bars.map { "bar\($0.number)" } ?? []
      let regions = (device.maps.map { "map\($0.index)" } + bars).joined(separator: " ")
      Console.out(
        "uio\(device.number)  \(device.stableID)  \(device.name)  "
          + "\(device.driver ?? "no driver")  \(regions)")
    }
  }

  /// Says what failed; the exit status of a failed operation.
  static func failed(_ text: String) -> Int32 {
    Journal.standard.log(.error, text)
    return 1
  }
}
