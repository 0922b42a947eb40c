// WDFDEVICE_INIT: a device between InterruptSyncAddDevice and WdfDeviceCreate.
public import CWindowsInterrupts
import InterruptSync

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
    return Reports.violation(call, "N28", "belongs before WdfDeviceCreate, in EvtDriverDeviceAdd")
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
  unsafe FrameworkFailure.catching("WdfDeviceCreate", Device, atMost: PASSIVE_LEVEL) {
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
