/// The result of a service routine or synchronized routine, as Windows spells it: negative is
/// failure.
///
/// Values are those of the public ntstatus.h; any other 32-bit value passes through unchanged.
public struct NTStatus: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: Int32

  public init(rawValue: Int32) { self.rawValue = rawValue }

  init(_ bits: UInt32) { rawValue = Int32(bitPattern: bits) }

  /// The interrupt was this routine's, or the call succeeded.
  public static let success = NTStatus(0x0000_0000)
  /// A success code: the time ran out.
  public static let timeout = NTStatus(0x0000_0102)
  public static let deviceBusy = NTStatus(0x8000_0011)
  /// The interrupt was not this routine's, or the call failed.
  public static let unsuccessful = NTStatus(0xC000_0001)
  public static let invalidParameter = NTStatus(0xC000_000D)
  public static let invalidDeviceRequest = NTStatus(0xC000_0010)
  public static let accessDenied = NTStatus(0xC000_0022)
  public static let insufficientResources = NTStatus(0xC000_009A)
  public static let notSupported = NTStatus(0xC000_00BB)
  public static let invalidDeviceState = NTStatus(0xC000_0184)
  public static let ioDeviceError = NTStatus(0xC000_0185)
  /// The calling thread already holds the interrupt lock (N4).
  public static let possibleDeadlock = NTStatus(0xC000_0194)
  public static let notFound = NTStatus(0xC000_0225)

  /// Whether the value is in the success class (`NT_SUCCESS`).
  public var isSuccess: Bool { rawValue >= 0 }

  public var description: String {
    let digits = String(UInt32(bitPattern: rawValue), radix: 16, uppercase: true)
    return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
  }
}
