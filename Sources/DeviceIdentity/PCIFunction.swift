// The PCI function of a device as sysfs shows it: its address, its identity and its BARs. Floor 2.
// UIODeviceInfo, VFIODeviceInfo, VFIODevice and the Windows interfaces make one, which reads sysfs,
// at PASSIVE_LEVEL; the daemon matches it with its files. Then it is a value for any thread,
// without a lock.

/// A PCI function.
public struct PCIFunction: Equatable, Sendable {
  /// Its place on the bus: identity across reboots, as long as the slot stays the same (fact 5).
  public let address: PCIAddress
  /// The vendor id of configuration space, as in 0x8086.
  public let vendor: UInt16
  /// The vendor's id for the kind of device.
  public let device: UInt16
  /// The kernel's interrupt number of the function's INTx line; 0 or nil when it has none.
  public let irq: Int?
  /// The BARs that have a size.
  public let bars: [PCIBar]

  // IORESOURCE_IO, _MEM and _PREFETCH of the kernel's ioport.h: the third column of the file
  // `resource`.
  private static let portFlag: UInt64 = 0x100
  private static let memoryFlag: UInt64 = 0x200
  private static let prefetchFlag: UInt64 = 0x2000

  /// Reads a function's folder in sysfs; nil when it is not one.
  package init?(sysfs: Sysfs, folder: String, address: PCIAddress) {
    guard
      let vendor = sysfs.optionalText("\(folder)/vendor").flatMap({
        NumberParsing.parse($0, as: UInt16.self)
      }),
      let device = sysfs.optionalText("\(folder)/device").flatMap({
        NumberParsing.parse($0, as: UInt16.self)
      })
    else { return nil }
    self.address = address
    self.vendor = vendor
    self.device = device
    irq = sysfs.optionalText("\(folder)/irq").flatMap { NumberParsing.parse($0) }
    bars = Self.bars(sysfs.optionalText("\(folder)/resource") ?? "")
  }

  /// Six lines `start end flags` come first in the file `resource`; the rest is ROM and bridge
  /// windows.
  static func bars(_ text: String) -> [PCIBar] {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).prefix(6)
    return lines.enumerated().compactMap { number, line in
      let columns = line.split(separator: " ").compactMap {
        NumberParsing.parse($0, as: UInt64.self)
      }
      guard columns.count == 3, columns[1] >= columns[0], columns[2] & (portFlag | memoryFlag) != 0,
        !(columns[0] == 0 && columns[1] == 0), columns[1] - columns[0] < .max
      else { return nil }
      return PCIBar(
        number: number, kind: columns[2] & portFlag != 0 ? .port : .memory, address: columns[0],
        size: columns[1] - columns[0] + 1, isPrefetchable: columns[2] & prefetchFlag != 0)
    }
  }
}

// MARK: Kinds

/// A kind of PCI device: the vendor's id and the vendor's number for the device, as in `1234:11e8`.
package struct PCIKind: Hashable, Sendable, CustomStringConvertible {
  package let vendor: UInt16
  package let device: UInt16

  package init(vendor: UInt16, device: UInt16) {
    self.vendor = vendor
    self.device = device
  }

  /// Reads `VENDOR:DEVICE`, up to four hexadecimal digits each; nil for anything else.
  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { part in
      part.allSatisfy(\.isHexDigit) ? UInt16(part, radix: 16) : nil
    }
    guard parts.count == 2, numbers.count == 2 else { return nil }
    self.init(vendor: numbers[0], device: numbers[1])
  }

  /// `1234:11e8`, as `lspci -n` prints it.
  package var description: String { "\(Self.digits(vendor)):\(Self.digits(device))" }

  /// Four hexadecimal digits.
  package static func digits(_ number: UInt16) -> String {
    let text = String(number, radix: 16)
    return String(repeating: "0", count: 4 - text.count) + text
  }
}

extension PCIFunction {
  package var kind: PCIKind { PCIKind(vendor: vendor, device: device) }
}

// MARK: BARs

/// One base address register of a PCI function.
public struct PCIBar: Equatable, Sendable {
  /// What an access to it is.
  public enum Kind: Sendable {
    /// Loads and stores through a mapping.
    case memory
    /// I/O ports, read and written through sysfs (fact 38).
    case port
  }
  /// 0 to 5. Not the number of a UIO map: drivers leave gaps out (fact 40).
  public let number: Int
  /// Memory or ports, as the device declares it.
  public let kind: Kind
  /// Bus address as the processor sees it.
  public let address: UInt64
  /// Bytes.
  public let size: UInt64
  /// Whether reading has no side effects, as the device declares it.
  public let isPrefetchable: Bool
}

// MARK: Addresses

/// A PCI function's place: domain, bus, device, function.
public struct PCIAddress: Hashable, Sendable, CustomStringConvertible {
  /// The PCI segment; 0 on most machines.
  public let domain: UInt32
  /// 0 to 255.
  public let bus: UInt8
  /// The slot on the bus, 0 to 31.
  public let device: UInt8
  /// The function of the device, 0 to 7.
  public let function: UInt8

  /// An address from its numbers, which are not checked against their ranges.
  ///
  /// - Parameters:
  ///   - domain: the PCI segment.
  ///   - bus: 0 to 255.
  ///   - device: 0 to 31.
  ///   - function: 0 to 7.
  public init(domain: UInt32 = 0, bus: UInt8, device: UInt8, function: UInt8) {
    self.domain = domain
    self.bus = bus
    self.device = device
    self.function = function
  }

  /// Reads `0000:00:03.0` or `00:03.0` (domain 0), hexadecimal; nil for anything else.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2 || parts.count == 3 else { return nil }
    let domain = parts.count == 3 ? parts[0] : "0"
    let slot = parts[parts.count - 1].split(separator: ".", omittingEmptySubsequences: false)
    guard slot.count == 2, slot[0].count <= 2, slot[1].count == 1,
      let domain = Self.hexadecimal(domain, UInt32.self),
      let bus = Self.hexadecimal(parts[parts.count - 2], UInt8.self),
      let device = Self.hexadecimal(slot[0], UInt8.self), device < 32,
      let function = Self.hexadecimal(slot[1], UInt8.self), function < 8
    else { return nil }
    self.init(domain: domain, bus: bus, device: device, function: function)
  }

  private static func hexadecimal<T: FixedWidthInteger>(_ text: some StringProtocol, _: T.Type)
    -> T?
  {
    guard text.first?.isHexDigit == true else { return nil }
    return T(text, radix: 16)
  }

  /// `0000:00:03.0`, as sysfs names the function.
  public var description: String {
    "\(Self.padded(domain, 4)):\(Self.padded(bus, 2)):\(Self.padded(device, 2)).\(function)"
  }

  private static func padded(_ value: some BinaryInteger, _ width: Int) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
