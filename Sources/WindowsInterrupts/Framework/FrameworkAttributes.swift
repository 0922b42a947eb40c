// Floor 5, room Framework. How a framework call fails, WDF_OBJECT_ATTRIBUTES, checked, and the
// level around a callback of the driver's. All files of the framework use it; it is the lowest and
// names no object. Values, on the thread of the call or callback, at its level. It takes no lock; a
// callback may run with its interrupt's or its device's callback lock held.
import CUIO
import CWindowsInterrupts
import InterruptSync

/// A status that ends a creation, and the statuses that only the framework gives.
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
  static let notSupported = FrameworkFailure(.notSupported)
}

/// Sets the level around a callback of the driver's, and checks what the callback left behind (D5).
enum FrameworkCall {
  static func run<R>(_ callback: String, at level: KIRQL, _ body: () -> R) -> R {
    let before = cuio_thread_set_level(Int32(level))
    let result = body()
    let left = KeGetCurrentIrql()
    if left != level {
      Reports.violation(callback, "D5", "entered at IRQL \(level) and left at \(left)")
    }
    _ = cuio_thread_set_level(before)
    return result
  }
}

@safe struct FrameworkAttributes {
  /// The optional fields that a kind of object uses.
  struct Allowed: OptionSet {
    let rawValue: Int
    static let executionLevel = Allowed(rawValue: 1)
    static let scope = Allowed(rawValue: 2)
    static let parent = Allowed(rawValue: 4)
  }

  let raw: WDF_OBJECT_ATTRIBUTES

  private init() {
    var raw = unsafe WDF_OBJECT_ATTRIBUTES()
    unsafe WDF_OBJECT_ATTRIBUTES_INIT(&raw)
    unsafe self.raw = unsafe raw
  }

  /// Attributes without any choice.
  static var none: FrameworkAttributes { FrameworkAttributes() }

  /// NULL means `none`.
  init(_ pointer: PWDF_OBJECT_ATTRIBUTES?, allowing allowed: Allowed) throws(FrameworkFailure) {
    guard let pointer = unsafe pointer else {
      self = .none
      return
    }
    unsafe raw = unsafe pointer.pointee
    guard unsafe raw.Size == ULONG(MemoryLayout<WDF_OBJECT_ATTRIBUTES>.size) else {
      throw .lengthMismatch
    }
    if let type = unsafe raw.ContextTypeInfo {
      guard unsafe type.pointee.ContextName != nil, unsafe type.pointee.UniqueType != nil else {
        throw .nameInvalid
      }
      guard
        unsafe raw.ContextSizeOverride == 0
          || raw.ContextSizeOverride >= type.pointee.ContextSize
      else { throw .invalidParameter }
    } else if unsafe raw.ContextSizeOverride != 0 {
      throw .nameInvalid
    }
    try checkLevel(allowed.contains(.executionLevel))
    try checkScope(allowed.contains(.scope))
    if unsafe raw.ParentObject != nil, !allowed.contains(.parent) { throw .parentNotAllowed }
  }

  private func checkLevel(_ isAllowed: Bool) throws(FrameworkFailure) {
    let level = unsafe raw.ExecutionLevel
    guard level != WdfExecutionLevelInheritFromParent else { return }
    guard level == WdfExecutionLevelPassive || level == WdfExecutionLevelDispatch else {
      throw .invalidParameter
    }
    guard isAllowed else { throw .executionLevelInvalid }
  }

  private func checkScope(_ isAllowed: Bool) throws(FrameworkFailure) {
    let scope = unsafe raw.SynchronizationScope
    guard scope != WdfSynchronizationScopeInheritFromParent else { return }
    guard
      scope == WdfSynchronizationScopeDevice || scope == WdfSynchronizationScopeQueue
        || scope == WdfSynchronizationScopeNone
    else { throw .invalidParameter }
    guard isAllowed else { throw .scopeInvalid }
  }
}
