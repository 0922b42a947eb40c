// Room Object: an object's results for other languages: Windows' statuses and C's error numbers.
// Routines return them; the C and Windows layers, the daemon's recipes and hosted drivers make and
// read them. Values: any thread, any level, no lock.
import Glibc
import UIO

/// The result of a service routine or synchronized routine, as Windows spells it: negative is
/// failure.
///
/// Values are those of the public ntstatus.h; any other 32-bit value passes through unchanged.
public struct NTStatus: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  /// The 32 bits as Windows' `NTSTATUS` has them, signed.
  public let rawValue: Int32

  /// Any 32-bit status, a driver's own included; nothing is checked.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  init(_ bits: UInt32) { rawValue = Int32(bitPattern: bits) }

  /// The interrupt was this routine's, or the call succeeded.
  public static let success = NTStatus(0x0000_0000)
  /// A success code: the time ran out.
  public static let timeout = NTStatus(0x0000_0102)
  /// Another owner has the line or the device (N16). A warning, which is not a success.
  public static let deviceBusy = NTStatus(0x8000_0011)
  /// The interrupt was not this routine's, or the call failed.
  public static let unsuccessful = NTStatus(0xC000_0001)
  /// An argument is not acceptable: no list, no such mode, an index out of range (N15).
  public static let invalidParameter = NTStatus(0xC000_000D)
  /// The call does not fit the device, such as a line-based connect where there are messages (K15).
  public static let invalidDeviceRequest = NTStatus(0xC000_0010)
  /// The process may not open the device or what re-arms it (N16).
  public static let accessDenied = NTStatus(0xC000_0022)
  /// Threads, descriptors or memory are used up (N16).
  public static let insufficientResources = NTStatus(0xC000_009A)
  /// The system lacks what was asked for, such as passive-level handling (W2).
  public static let notSupported = NTStatus(0xC000_00BB)
  /// The object is connected already (N9), or the caller's level is too high for the call (N23).
  public static let invalidDeviceState = NTStatus(0xC000_0184)
  /// The hardware does not answer: what a synchronized reset gives back, unchanged (P33).
  public static let ioDeviceError = NTStatus(0xC000_0185)
  /// The calling thread already holds the interrupt lock (N4).
  public static let possibleDeadlock = NTStatus(0xC000_0194)
  /// No such entry, or the device is missing or has gone (N16).
  public static let notFound = NTStatus(0xC000_0225)

  /// Whether the value is in the success class (`NT_SUCCESS`).
  public var isSuccess: Bool { rawValue >= 0 }

  /// `0xC0000001`: eight digits, as debuggers and ntstatus.h show it.
  public var description: String {
    let digits = String(UInt32(bitPattern: rawValue), radix: 16, uppercase: true)
    return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
  }
}

extension InterruptSyncError {
  /// The status that the Windows surfaces give for it (N16).
  public var status: NTStatus {
    switch code {
    case .wouldDeadlock: .possibleDeadlock
    case .wrongLevel, .alreadyConnected: .invalidDeviceState
    case .noServiceRoutines, .lockOwnerDied, .otherProcess: .unsuccessful
    case .lineBusy, .busy: .deviceBusy
    case .removed: .notFound
    case .resourcesExhausted: .insufficientResources
    case .invalidArgument: .invalidParameter
    case .lineFailed:
      switch device?.code {
      case .permissionDenied: .accessDenied
      case .busy: .deviceBusy
      default: .unsuccessful
      }
    }
  }

  /// `errno` as an integer; 0 where the kernel gave none.
  package var errorNumber: Int32 { errno?.rawValue ?? 0 }

  /// What programs in C get, without its sign: interruptsync/object.h.
  package var number: Int32 {
    switch code {
    case .wouldDeadlock: EDEADLK
    case .wrongLevel: EPERM
    case .alreadyConnected: EISCONN
    case .noServiceRoutines: ENODATA
    case .lineBusy, .busy: EBUSY
    case .removed: ENODEV
    case .lineFailed: device?.number ?? EIO
    case .resourcesExhausted: errorNumber == 0 ? ENOMEM : errorNumber
    case .lockOwnerDied: EOWNERDEAD
    case .otherProcess: ECHILD
    case .invalidArgument: EINVAL
    }
  }
}
