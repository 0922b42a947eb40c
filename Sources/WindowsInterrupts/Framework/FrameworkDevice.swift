// WDFDEVICE: its interrupts, and where it stands between added and removed (N28).
public import CWindowsInterrupts
import InterruptSync
import LinuxSystem
import Synchronization

@safe final class FrameworkDevice: FrameworkObject, @unchecked Sendable {
  enum Phase {
    /// In EvtDriverDeviceAdd.
    case adding
    /// Has no hardware.
    case stopped
    /// In EvtDevicePrepareHardware.
    case preparing
    /// Between two of the others.
    case changing
    case working
    /// In D3.
    case low
    case gone
  }

  let driver: FrameworkDriver
  let windows: WindowsDevice
  let callbacks: WDF_PNPPOWER_EVENT_CALLBACKS
  let executionLevel: WDF_EXECUTION_LEVEL
  /// What the serialized callbacks of the device's objects take (W14); nil: none is asked for.
  let callbackLock: SpinLock?
  /// Interrupts are, or are being, connected.
  let isPowered = Atomic<Bool>(false)

  private let monitor = Monitor()
  private var phase = Phase.adding
  private var isBusy = false
  private var created: [FrameworkInterrupt] = []
  var resources: (raw: FrameworkResourceList, translated: FrameworkResourceList)?

  init(_ attributes: FrameworkAttributes, _ prepared: FrameworkDeviceInit) {
    driver = prepared.driver
    windows = prepared.windows
    callbacks = prepared.callbacks
    let level = unsafe attributes.raw.ExecutionLevel
    let scope = unsafe attributes.raw.SynchronizationScope
    executionLevel =
      level == WdfExecutionLevelInheritFromParent ? prepared.driver.executionLevel : level
    let effective = scope == WdfSynchronizationScopeInheritFromParent ? driver.scope : scope
    callbackLock = effective == WdfSynchronizationScopeDevice ? SpinLock() : nil
    super.init(attributes)
  }

  override var isFrameworkOwned: Bool { true }
  override var device: FrameworkDevice? { self }

  var currentPhase: Phase { monitor.locked { phase } }
  func setPhase(_ new: Phase) { monitor.locked { phase = new } }

  /// In the order of their creation.
  var interrupts: [FrameworkInterrupt] { monitor.locked { created } }

  /// Notes an interrupt; its place in the order.
  func add(_ interrupt: FrameworkInterrupt) {
    monitor.locked {
      interrupt.number = ULONG(created.count)
      created.append(interrupt)
    }
  }

  func forget(_ interrupt: FrameworkInterrupt) {
    monitor.locked { created.removeAll { $0 === interrupt } }
  }

  /// One change of the device at a time, from the phases in which it has a meaning.
  func change(from allowed: [Phase], _ body: () -> NTSTATUS) -> NTSTATUS {
    let refusal = monitor.locked { () -> NTStatus? in
      if isBusy { return .deviceBusy }
      guard allowed.contains(phase) else { return .invalidDeviceState }
      isBusy = true
      return nil
    }
    if let refusal { return refusal.rawValue }
    defer { monitor.locked { isBusy = false } }
    return body()
  }

  /// Runs a callback under the callback lock, if it was made with AutomaticSerialization (W14).
  func serialized(_ isSerialized: Bool, _ body: () -> Void) {
    guard isSerialized, let callbackLock else { return body() }
    callbackLock.acquire("AutomaticSerialization")
    body()
    callbackLock.release("AutomaticSerialization")
  }

  /// Whether callbacks at DISPATCH_LEVEL, or at PASSIVE_LEVEL, can be serialized with the device's.
  func requireLevel(dispatch: Bool, ifSerialized: Bool) throws(FrameworkFailure) {
    guard ifSerialized else { return }
    guard dispatch == (executionLevel == WdfExecutionLevelDispatch) else {
      throw .incompatibleLevel
    }
  }
}

@c @implementation
public func WdfDeviceGetDriver(_ Device: WDFDEVICE!) -> WDFDRIVER! {
  let device: FrameworkDevice? = unsafe FrameworkHandles.object(Device, "WdfDeviceGetDriver")
  return unsafe device?.driver.handle
}

@c @implementation
public func WdfDeviceWdmGetDeviceObject(_ Device: WDFDEVICE!) -> PDEVICE_OBJECT! {
  let call = "WdfDeviceWdmGetDeviceObject"
  let device: FrameworkDevice? = unsafe FrameworkHandles.object(Device, call)
  return unsafe device?.windows.object
}

@c @implementation
public func WdfDeviceWdmGetPhysicalDevice(_ Device: WDFDEVICE!) -> PDEVICE_OBJECT! {
  let call = "WdfDeviceWdmGetPhysicalDevice"
  let device: FrameworkDevice? = unsafe FrameworkHandles.object(Device, call)
  return unsafe device?.windows.object
}

@c @implementation
public func WdfWdmDeviceGetWdfDeviceHandle(_ DeviceObject: PDEVICE_OBJECT!) -> WDFDEVICE! {
  unsafe WindowsDevice.of(DeviceObject)?.framework.device?.handle
}
