// Floor 5, room Framework. What the objects below a device know of it: the device object, the
// execution level, and the callback lock of its synchronization scope (W14). FrameworkDevice is the
// one kind of scope; interrupts, DPCs, work items and timers hold their scope and never name the
// device. Fields are set once. The thread that runs a callback, `dpc` or a `work item`, takes the
// callback lock before any interrupt lock.
import CWindowsInterrupts
import InterruptSync
import Synchronization

@safe class FrameworkScope: FrameworkObject, @unchecked Sendable {
  let windows: WindowsDevice
  let executionLevel: WDF_EXECUTION_LEVEL
  /// Serialized callbacks below this object hold it (W14); nil: the scope asks for none.
  private let callbackLock: SpinLock?
  /// Interrupts are, or are being, connected.
  let isPowered = Atomic<Bool>(false)

  init(
    _ attributes: FrameworkAttributes, _ windows: WindowsDevice,
    executionLevel: WDF_EXECUTION_LEVEL, scope: WDF_SYNCHRONIZATION_SCOPE
  ) {
    self.windows = windows
    self.executionLevel = executionLevel
    callbackLock = scope == WdfSynchronizationScopeDevice ? SpinLock() : nil
    super.init(attributes)
  }

  /// Runs a callback under the callback lock, if it was made with AutomaticSerialization (W14).
  func serialized(_ isSerialized: Bool, _ body: () -> Void) {
    guard isSerialized, let callbackLock else { return body() }
    callbackLock.acquire("AutomaticSerialization")
    body()
    callbackLock.release("AutomaticSerialization")
  }

  /// WdfObjectAcquireLock and WdfObjectReleaseLock: takes the callback lock for the driver, or gives it
  /// back (W37).
  func changeLock(_ call: String, acquiring: Bool) {
    guard let callbackLock else {
      return Reports.violation(
        call, "W37",
        "the device has no lock: it takes WdfSynchronizationScopeDevice in the device's or driver's attributes"
      )
    }
    guard executionLevel == WdfExecutionLevelPassive else {
      return acquiring ? callbackLock.acquireRaising(call) : callbackLock.releaseLowering(call)
    }
    guard Reports.require(call, atMost: KIRQL(PASSIVE_LEVEL)) else { return }
    if acquiring { callbackLock.acquire(call) } else { callbackLock.release(call) }
  }

  /// Whether callbacks at DISPATCH_LEVEL, or at PASSIVE_LEVEL, can be serialized with the device's.
  func requireLevel(dispatch: Bool, ifSerialized: Bool) throws(FrameworkFailure) {
    guard ifSerialized else { return }
    guard dispatch == (executionLevel == WdfExecutionLevelDispatch) else {
      throw .incompatibleLevel
    }
  }

  /// For objects that live below a device: attributes and a parent are required.
  static func ofChild(
    _ call: String, _ pointer: PWDF_OBJECT_ATTRIBUTES?,
    allowing allowed: FrameworkAttributes.Allowed = []
  ) throws(FrameworkFailure) -> (FrameworkAttributes, FrameworkObject, FrameworkScope) {
    guard unsafe pointer != nil else { throw .invalidParameter }
    let attributes = unsafe try FrameworkAttributes(pointer, allowing: allowed.union(.parent))
    guard let parent = try parent(call, attributes) else { throw .parentNotSpecified }
    guard let scope = parent.nearest(FrameworkScope.self) else { throw .invalidRequest }
    return (attributes, parent, scope)
  }
}
