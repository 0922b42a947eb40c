package import UIO

/// What a device is recognized by.
package struct DeviceIdentity: Equatable, Sendable {
  package let stableID: String
  package let name: String
  package let driver: String?
  /// `vendor:device`, four hexadecimal digits each.
  package let pciDevice: String?

  package init(stableID: String, name: String, driver: String? = nil, pciDevice: String? = nil) {
    self.stableID = stableID
    self.name = name
    self.driver = driver
    self.pciDevice = pciDevice
  }

  package init(_ info: UIODeviceInfo) {
    self.init(
      stableID: info.stableID, name: info.name, driver: info.driver,
      pciDevice: info.pci.map { "\(Self.digits($0.vendor)):\(Self.digits($0.device))" })
  }

  static func digits(_ number: UInt16) -> String {
    let text = String(number, radix: 16)
    return String(repeating: "0", count: 4 - text.count) + text
  }
}
