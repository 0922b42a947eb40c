// Floor 5, room Framework. Loading a driver and leading its devices: the project's own functions,
// which do what Windows' loader and plug and play do there (N28). The program calls them on a
// thread of its own at PASSIVE_LEVEL, without an interrupt lock. Callbacks of the driver and of its
// devices run in that call; this file takes no lock and holds none meanwhile.
public import CWindowsInterrupts
import InterruptSync

@c @implementation
public func InterruptSyncLoadDriver(
  _ DriverEntry: PDRIVER_INITIALIZE!, _ Name: PCSTR!,
  _ DriverObject: UnsafeMutablePointer<PDRIVER_OBJECT?>!
) -> NTSTATUS {
  guard let DriverEntry = unsafe DriverEntry, let Name = unsafe Name,
    let DriverObject = unsafe DriverObject
  else { return FrameworkFailure.invalidParameter.status }
  unsafe DriverObject.pointee = nil
  guard Reports.require("InterruptSyncLoadDriver", atMost: KIRQL(PASSIVE_LEVEL)) else {
    return FrameworkFailure.invalidState.status
  }
  let loaded = unsafe LoadedDriver(DriverEntry, name: String(cString: Name))
  let status = FrameworkCall.run("DriverEntry", at: KIRQL(PASSIVE_LEVEL)) {
    unsafe DriverEntry(loaded.object, loaded.registryPath)
  }
  guard status >= 0 else {
    loaded.framework?.delete()
    return status
  }
  _ = unsafe Unmanaged.passRetained(loaded)
  unsafe DriverObject.pointee = loaded.object
  return status
}

@c @implementation
public func InterruptSyncUnloadDriver(_ DriverObject: PDRIVER_OBJECT!) -> NTSTATUS {
  guard let loaded = unsafe LoadedDriver.of(DriverObject) else {
    return FrameworkFailure.invalidParameter.status
  }
  guard Reports.require("InterruptSyncUnloadDriver", atMost: KIRQL(PASSIVE_LEVEL)) else {
    return FrameworkFailure.invalidState.status
  }
  if loaded.framework?.hasDevices == true { return NTStatus.deviceBusy.rawValue }
  FrameworkCall.run("DriverUnload", at: KIRQL(PASSIVE_LEVEL)) {
    unsafe DriverObject.pointee.DriverUnload?(DriverObject)
    if let driver = loaded.framework { unsafe driver.config.EvtDriverUnload?(driver.handle) }
  }
  loaded.framework?.delete()
  loaded.attachment.release()
  unsafe Unmanaged.passUnretained(loaded).release()
  return NTStatus.success.rawValue
}

@c @implementation
public func InterruptSyncAddDevice(_ DriverObject: PDRIVER_OBJECT!, _ DeviceObject: PDEVICE_OBJECT!)
  -> NTSTATUS
{
  guard let loaded = unsafe LoadedDriver.of(DriverObject),
    let windows = unsafe WindowsDevice.of(DeviceObject)
  else { return FrameworkFailure.invalidParameter.status }
  guard Reports.require("InterruptSyncAddDevice", atMost: KIRQL(PASSIVE_LEVEL)) else {
    return FrameworkFailure.invalidState.status
  }
  guard let driver = loaded.framework, let add = unsafe driver.config.EvtDriverDeviceAdd else {
    return FrameworkFailure.invalidRequest.status
  }
  guard windows.attachment.claim() else { return NTStatus.deviceBusy.rawValue }
  let prepared = FrameworkDeviceInit(driver, windows)
  let pointer = unsafe PWDFDEVICE_INIT(Unmanaged.passUnretained(prepared).toOpaque())
  driver.addDevice()
  let status = FrameworkCall.run("EvtDriverDeviceAdd", at: KIRQL(PASSIVE_LEVEL)) {
    withExtendedLifetime(prepared) { unsafe add(driver.handle, pointer) }
  }
  guard status >= 0, let device = prepared.made else {
    if let device = prepared.made {
      device.end()
    } else {
      windows.attachment.release()
      driver.removeDevice()
    }
    return status < 0 ? status : NTStatus.unsuccessful.rawValue
  }
  device.setPhase(.stopped)
  windows.attachment.attach(device)
  return status
}

private func change(
  _ call: String, _ object: PDEVICE_OBJECT?, _ body: (FrameworkDevice) -> NTSTATUS
) -> NTSTATUS {
  guard Reports.require(call, atMost: KIRQL(PASSIVE_LEVEL)) else {
    return FrameworkFailure.invalidState.status
  }
  guard let device = unsafe WindowsDevice.of(object)?.framework else {
    return FrameworkFailure.noSuchDevice.status
  }
  return body(device)
}

@c @implementation
public func InterruptSyncStartDevice(_ DeviceObject: PDEVICE_OBJECT!) -> NTSTATUS {
  unsafe change("InterruptSyncStartDevice", DeviceObject) { $0.start() }
}

@c @implementation
public func InterruptSyncPowerDownDevice(_ DeviceObject: PDEVICE_OBJECT!) -> NTSTATUS {
  unsafe change("InterruptSyncPowerDownDevice", DeviceObject) { $0.powerDown() }
}

@c @implementation
public func InterruptSyncPowerUpDevice(_ DeviceObject: PDEVICE_OBJECT!) -> NTSTATUS {
  unsafe change("InterruptSyncPowerUpDevice", DeviceObject) { $0.powerUp() }
}

@c @implementation
public func InterruptSyncSurpriseRemoveDevice(_ DeviceObject: PDEVICE_OBJECT!) -> NTSTATUS {
  unsafe change("InterruptSyncSurpriseRemoveDevice", DeviceObject) { $0.surpriseRemove() }
}

@c @implementation
public func InterruptSyncRemoveDevice(_ DeviceObject: PDEVICE_OBJECT!) -> NTSTATUS {
  unsafe change("InterruptSyncRemoveDevice", DeviceObject) { $0.remove() }
}
