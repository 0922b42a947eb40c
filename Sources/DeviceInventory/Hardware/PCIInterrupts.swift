// Which interrupts a PCI function has, read from its configuration space: the pin of INTx, the messages
// of MSI and MSI-X. Only root reads more than the first 64 bytes, so that others do not see the messages.
// Floor 5; a value, for any thread.
import DeviceIdentity

/// The interrupts that a function declares.
package struct PCIInterrupts: Equatable, Sendable {
  /// `A` to `D`; nil without INTx.
  package private(set) var pin: String?
  /// Messages of MSI; 0 without it.
  package private(set) var msi = 0
  /// Messages of MSI-X; 0 without it.
  package private(set) var msix = 0
  /// Whether the messages could be read.
  package let isWhole: Bool

  // Registers of the configuration header, and ids of capabilities, as the PCI specification numbers them.
  private static let status = 0x06
  private static let hasCapabilities: UInt8 = 0x10
  private static let firstCapability = 0x34
  private static let pin = 0x3d
  private static let headerSize = 0x40
  private static let msiCapability: UInt8 = 0x05
  private static let msixCapability: UInt8 = 0x11

  /// - Parameter folder: the function's folder in sysfs.
  package init(folder: String) {
    self.init((try? FileDescriptor.contents("\(folder)/config")) ?? [])
  }

  /// - Parameter space: the configuration space, or its beginning.
  init(_ space: [UInt8]) {
    func byte(_ offset: Int) -> UInt8 { space.indices.contains(offset) ? space[offset] : 0 }
    if (1...4).contains(byte(Self.pin)) {
      pin = String(UnicodeScalar(UInt8(ascii: "A") + byte(Self.pin) - 1))
    }
    let isListed = byte(Self.status) & Self.hasCapabilities != 0
    isWhole = !space.isEmpty && (space.count > Self.headerSize || !isListed)
    guard isListed else { return }
    var place = Int(byte(Self.firstCapability) & 0xfc)
    // A device that is broken or gone may make the list a circle; no list has more entries than this.
    var left = 48
    while place >= Self.headerSize, left > 0 {
      let control = Int(byte(place + 2)) | Int(byte(place + 3)) << 8
      switch byte(place) {
      case Self.msiCapability: msi = 1 << min(control >> 1 & 7, 5)
      case Self.msixCapability: msix = control & 0x7ff + 1
      default: break
      }
      place = Int(byte(place + 1) & 0xfc)
      left -= 1
    }
  }
}
