// A creation's way out with a status, and the statuses that only the framework gives.
import CWindowsInterrupts
import InterruptSync

struct FrameworkFailure: Error {
  let status: NTSTATUS

  init(_ status: NTSTATUS) { self.status = status }
  init(_ status: NTStatus) { self.status = status.rawValue }

  private init(bits: UInt32) { status = NTSTATUS(bitPattern: bits) }

  static let nameExists = FrameworkFailure(bits: 0x4000_0000)
  static let lengthMismatch = FrameworkFailure(bits: 0xC000_0004)
  static let invalidHandle = FrameworkFailure(bits: 0xC000_0008)
  static let noSuchDevice = FrameworkFailure(bits: 0xC000_000E)
  static let nameInvalid = FrameworkFailure(bits: 0xC000_0033)
  static let deletePending = FrameworkFailure(bits: 0xC000_0056)
  static let driverInternalError = FrameworkFailure(bits: 0xC000_0183)
  static let parentNotSpecified = FrameworkFailure(bits: 0xC020_0208)
  static let parentNotAllowed = FrameworkFailure(bits: 0xC020_0209)
  static let executionLevelInvalid = FrameworkFailure(bits: 0xC020_020A)
  static let scopeInvalid = FrameworkFailure(bits: 0xC020_020B)
  static let incompatibleLevel = FrameworkFailure(bits: 0xC020_020C)
  static let invalidParameter = FrameworkFailure(.invalidParameter)
  static let invalidState = FrameworkFailure(.invalidDeviceState)
  static let invalidRequest = FrameworkFailure(.invalidDeviceRequest)
  static let noResources = FrameworkFailure(.insufficientResources)

  /// What every creation function has in common: a place for the handle, a level, and a status.
  static func catching(
    _ call: String, _ out: UnsafeMutablePointer<OpaquePointer?>?, atMost limit: Int32,
    _ make: () throws(FrameworkFailure) -> FrameworkObject
  ) -> NTSTATUS {
    guard let out = unsafe out else { return invalidParameter.status }
    unsafe out.pointee = nil
    guard Reports.require(call, atMost: KIRQL(limit)) else { return invalidState.status }
    do throws(FrameworkFailure) {
      unsafe out.pointee = try make().handle
      return NTStatus.success.rawValue
    } catch { return error.status }
  }
}
