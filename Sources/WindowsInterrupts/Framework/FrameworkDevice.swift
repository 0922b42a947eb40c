// Floor 5, room Framework. WDFDEVICE: its interrupts, its state between added and removed (N28),
// and WDFDEVICE_INIT, which it is made from. Drivers make it in EvtDriverDeviceAdd, on the
// program's thread at PASSIVE_LEVEL; DriverHosting and FrameworkDevice+Power change its state
// there, and InterruptCreation adds interrupts. A monitor guards the state and the list of
// interrupts, and is not held while a callback runs.
public import CWindowsInterrupts
import InterruptSync
import LinuxSystem

@safe final class FrameworkDevice: FrameworkScope, @unchecked Sendable {
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

  /// How far its self-managed I/O has come (W36).
  struct SelfManagedIO {
    /// EvtDeviceSelfManagedIoInit has been called, whatever it returned.
    var hasBegun = false
    /// It has succeeded.
    var isInitialized = false
    /// Between its start and EvtDeviceSelfManagedIoSuspend.
    var isRunning = false
    var isFlushed = false
  }

  let driver: FrameworkDriver
  let callbacks: WDF_PNPPOWER_EVENT_CALLBACKS

  private let monitor = Monitor()
  private var phase = Phase.adding
  private var isBusy = false
  private var created: [FrameworkInterrupt] = []
  /// Belongs to the change under way.
  var selfManagedIO = SelfManagedIO()
  var resources: (raw: FrameworkResourceList, translated: FrameworkResourceList)?

  init(_ attributes: FrameworkAttributes, _ prepared: FrameworkDeviceInit) {
    driver = prepared.driver
    callbacks = prepared.callbacks
    let level = unsafe attributes.raw.ExecutionLevel
    let scope = unsafe attributes.raw.SynchronizationScope
    super.init(
      attributes, prepared.windows,
      executionLevel: level == WdfExecutionLevelInheritFromParent ? driver.executionLevel : level,
      scope: scope == WdfSynchronizationScopeInheritFromParent ? driver.scope : scope)
  }

  override var isFrameworkOwned: Bool { true }

  var currentPhase: Phase { monitor.locked { phase } }
  func setPhase(_ new: Phase) { monitor.locked { phase = new } }

  /// In the order of their creation.
  var interrupts: [FrameworkInterrupt] { monitor.locked { created } }

  /// Adds an interrupt, and sets its place in the order.
  func add(_ interrupt: FrameworkInterrupt) {
    monitor.locked {
      interrupt.number = ULONG(created.count)
      created.append(interrupt)
    }
  }

  override func childStopped(_ child: FrameworkObject) {
    monitor.locked { created.removeAll { $0 === child } }
  }

  /// Makes one change of the device at a time, from the phases in which it has a meaning.
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
  unsafe WindowsDevice.of(DeviceObject)?.framework?.handle
}

extension WindowsDevice {
  /// The framework's device on this device object, while a driver has it.
  var framework: FrameworkDevice? { attachment.owner as? FrameworkDevice }
}

// MARK: WDFDEVICE_INIT

/// A device between InterruptSyncAddDevice and WdfDeviceCreate.
@safe final class FrameworkDeviceInit {
  let driver: FrameworkDriver
  let windows: WindowsDevice
  var callbacks = WDF_PNPPOWER_EVENT_CALLBACKS()
  var made: FrameworkDevice?

  init(_ driver: FrameworkDriver, _ windows: WindowsDevice) {
    self.driver = driver
    self.windows = windows
  }

  static func of(_ pointer: PWDFDEVICE_INIT?) -> FrameworkDeviceInit? {
    unsafe pointer.map {
      unsafe Unmanaged<FrameworkDeviceInit>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue()
    }
  }
}

@c @implementation
public func WdfDeviceInitSetPnpPowerEventCallbacks(
  _ DeviceInit: PWDFDEVICE_INIT!, _ PnpPowerEventCallbacks: PWDF_PNPPOWER_EVENT_CALLBACKS!
) {
  let call = "WdfDeviceInitSetPnpPowerEventCallbacks"
  guard Reports.require(call, atMost: KIRQL(PASSIVE_LEVEL)) else { return }
  guard let device = unsafe FrameworkDeviceInit.of(DeviceInit), device.made == nil else {
    return Reports.violation(call, "N28", "call it before WdfDeviceCreate, in EvtDriverDeviceAdd")
  }
  guard let callbacks = unsafe PnpPowerEventCallbacks?.pointee,
    callbacks.Size == ULONG(MemoryLayout<WDF_PNPPOWER_EVENT_CALLBACKS>.size)
  else {
    return Reports.violation(
      call, "N28", "the callbacks' Size is wrong; begin with WDF_PNPPOWER_EVENT_CALLBACKS_INIT")
  }
  device.callbacks = callbacks
}

@c @implementation
public func WdfDeviceCreate(
  _ DeviceInit: UnsafeMutablePointer<PWDFDEVICE_INIT?>!,
  _ DeviceAttributes: PWDF_OBJECT_ATTRIBUTES!, _ Device: UnsafeMutablePointer<WDFDEVICE?>!
) -> NTSTATUS {
  unsafe FrameworkObject.create("WdfDeviceCreate", Device, atMost: PASSIVE_LEVEL) {
    () throws(FrameworkFailure) in
    guard let DeviceInit = unsafe DeviceInit,
      let prepared = unsafe FrameworkDeviceInit.of(DeviceInit.pointee), prepared.made == nil
    else { throw .invalidParameter }
    let attributes = unsafe try FrameworkAttributes(
      DeviceAttributes, allowing: [.executionLevel, .scope])
    let device = FrameworkDevice(attributes, prepared)
    try device.begin(below: prepared.driver)
    prepared.made = device
    unsafe DeviceInit.pointee = nil
    return device
  }
}
