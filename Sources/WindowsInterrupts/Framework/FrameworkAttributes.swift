// WDF_OBJECT_ATTRIBUTES, checked.
import CWindowsInterrupts
import InterruptSync

@safe struct FrameworkAttributes {
  /// Which of the optional fields an object has a use for.
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

  /// Attributes that say nothing.
  static var none: FrameworkAttributes { FrameworkAttributes() }

  /// NULL stands for `none`.
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

  /// The parent that is named, or `otherwise`. Reports a handle that is none.
  func parent(_ call: String, or otherwise: FrameworkObject?) throws(FrameworkFailure)
    -> FrameworkObject?
  {
    guard let handle = unsafe raw.ParentObject else { return otherwise }
    guard let parent = unsafe FrameworkHandles.any(handle, call) else { throw .invalidHandle }
    return parent
  }

  /// For objects that live below a device: attributes and a parent are required.
  static func ofDeviceChild(
    _ call: String, _ pointer: PWDF_OBJECT_ATTRIBUTES?, allowing allowed: Allowed = []
  ) throws(FrameworkFailure) -> (FrameworkAttributes, FrameworkObject, FrameworkDevice) {
    guard unsafe pointer != nil else { throw .invalidParameter }
    let attributes = unsafe try FrameworkAttributes(pointer, allowing: allowed.union(.parent))
    guard let parent = try attributes.parent(call, or: nil) else { throw .parentNotSpecified }
    guard let device = parent.device else { throw .invalidRequest }
    return (attributes, parent, device)
  }
}
