// Floor 5, room Framework. WDFDRIVER: DriverEntry makes it, InterruptSyncUnloadDriver ends it
// (DriverHosting.swift), both on the program's thread at PASSIVE_LEVEL. It is the parent of every
// object that names no other: drivers look it up on any thread up to DISPATCH_LEVEL. A monitor
// guards the number of devices; no other lock.
public import CWindowsInterrupts
import InterruptSync
import LinuxSystem

@safe final class FrameworkDriver: FrameworkObject, @unchecked Sendable {
  let config: WDF_DRIVER_CONFIG
  let object: PDRIVER_OBJECT
  let executionLevel: WDF_EXECUTION_LEVEL
  let scope: WDF_SYNCHRONIZATION_SCOPE
  /// The variable in which the driver's program or library keeps its handle.
  private let image: UnsafeMutablePointer<WDFDRIVER?>
  private let monitor = Monitor()
  private var devices = 0

  init(
    _ attributes: FrameworkAttributes, _ config: WDF_DRIVER_CONFIG, _ object: PDRIVER_OBJECT,
    image: UnsafeMutablePointer<WDFDRIVER?>
  ) {
    self.config = config
    unsafe self.object = unsafe object
    unsafe self.image = unsafe image
    let level = unsafe attributes.raw.ExecutionLevel
    let scope = unsafe attributes.raw.SynchronizationScope
    executionLevel =
      level == WdfExecutionLevelInheritFromParent ? WdfExecutionLevelDispatch : level
    self.scope =
      scope == WdfSynchronizationScopeInheritFromParent ? WdfSynchronizationScopeNone : scope
    super.init(attributes)
    unsafe image.pointee = unsafe handle
  }

  override var isFrameworkOwned: Bool { true }

  override func stop() {
    if unsafe image.pointee == handle { unsafe image.pointee = nil }
  }

  func addDevice() { monitor.locked { devices += 1 } }
  func removeDevice() { monitor.locked { devices -= 1 } }
  var hasDevices: Bool { monitor.locked { devices > 0 } }

  /// The parent that the attributes name, or else the driver of the calling program or library.
  static func parent(_ call: String, _ attributes: FrameworkAttributes, _ driver: WDFDRIVER?)
    throws(FrameworkFailure) -> FrameworkObject
  {
    if let parent = try parent(call, attributes) { return parent }
    guard unsafe driver != nil else {
      Reports.violation(call, "N27", "called before WdfDriverCreate and without a parent")
      throw .invalidState
    }
    guard let found: FrameworkDriver = unsafe FrameworkHandles.object(driver, call) else {
      throw .invalidHandle
    }
    return found
  }
}

@c @implementation
public func WdfDriverCreateIn(
  _ Image: UnsafeMutablePointer<WDFDRIVER?>!, _ DriverObject: PDRIVER_OBJECT!,
  _ RegistryPath: PCUNICODE_STRING!, _ DriverAttributes: PWDF_OBJECT_ATTRIBUTES!,
  _ DriverConfig: PWDF_DRIVER_CONFIG!, _ Driver: UnsafeMutablePointer<WDFDRIVER?>!
) -> NTSTATUS {
  var handle: OpaquePointer?
  let status = unsafe FrameworkObject.create(
    "WdfDriverCreate", &handle, atMost: PASSIVE_LEVEL
  ) { () throws(FrameworkFailure) in
    guard let Image = unsafe Image, let config = unsafe DriverConfig?.pointee,
      let loaded = unsafe LoadedDriver.of(DriverObject)
    else { throw .invalidParameter }
    guard config.Size == ULONG(MemoryLayout<WDF_DRIVER_CONFIG>.size) else {
      throw .lengthMismatch
    }
    let isNonPnp = config.DriverInitFlags & WdfDriverInitNonPnpDriver.rawValue != 0
    if isNonPnp, unsafe config.EvtDriverDeviceAdd != nil { throw .invalidParameter }
    guard loaded.attachment.owner == nil else { throw .driverInternalError }
    let attributes = unsafe try FrameworkAttributes(
      DriverAttributes, allowing: [.executionLevel, .scope])
    let driver = unsafe FrameworkDriver(attributes, config, loaded.object, image: Image)
    try driver.begin(below: nil)
    guard loaded.attachment.claim() else {
      driver.delete()
      throw .driverInternalError
    }
    loaded.attachment.attach(driver)
    return driver
  }
  unsafe Driver?.pointee = unsafe handle
  return status
}

@c @implementation
public func WdfDriverWdmGetDriverObject(_ Driver: WDFDRIVER!) -> PDRIVER_OBJECT! {
  let driver: FrameworkDriver? = unsafe FrameworkHandles.object(
    Driver, "WdfDriverWdmGetDriverObject")
  return unsafe driver?.object
}

extension LoadedDriver {
  /// The framework's driver on this driver object.
  var framework: FrameworkDriver? { attachment.owner as? FrameworkDriver }
}
