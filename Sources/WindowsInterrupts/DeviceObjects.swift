// The project's own functions around device objects.
public import CWindowsInterrupts
import InterruptSync
import UIO

private func create(
  _ call: String, _ out: UnsafeMutablePointer<PDEVICE_OBJECT?>?, _ make: () throws -> WindowsDevice
) -> NTSTATUS {
  guard let out = unsafe out else { return NTStatus.invalidParameter.rawValue }
  unsafe out.pointee = nil
  guard Reports.require(call, atMost: KIRQL(PASSIVE_LEVEL)) else {
    return NTStatus.invalidDeviceState.rawValue
  }
  do {
    let device = try make()
    _ = unsafe Unmanaged.passRetained(device)
    unsafe out.pointee = device.object
    return NTStatus.success.rawValue
  } catch let error as UIOError {
    Reports.notice(call, "N16", error.description)
    return status(error).rawValue
  } catch let error as InterruptSyncError {
    return Reports.failure(call, error)
  } catch {
    return NTStatus.unsuccessful.rawValue
  }
}

/// N16, for what opening a device can answer.
private func status(_ error: UIOError) -> NTStatus {
  switch error.code {
  case .notFound, .removed, .noSuchRegion: .notFound
  case .malformed, .ambiguous: .invalidParameter
  case .permissionDenied: .accessDenied
  case .busy: .deviceBusy
  case .resourcesExhausted: .insufficientResources
  default: .unsuccessful
  }
}

@c @implementation
public func InterruptSyncCreateDevice(
  _ DeviceId: PCSTR!, _ DeviceExtensionSize: ULONG,
  _ DeviceObject: UnsafeMutablePointer<PDEVICE_OBJECT?>!
) -> NTSTATUS {
  guard let DeviceId = unsafe DeviceId else { return NTStatus.invalidParameter.rawValue }
  let text = unsafe String(cString: DeviceId)
  return unsafe create("InterruptSyncCreateDevice", DeviceObject) {
    try WindowsDevice(UIODevice(UIODeviceID(text)), extensionSize: DeviceExtensionSize)
  }
}

@c @implementation
public func InterruptSyncCreateSoftwareDevice(
  _ Device: UnsafePointer<INTERRUPTSYNC_SOFTWARE_DEVICE>!, _ DeviceExtensionSize: ULONG,
  _ DeviceObject: UnsafeMutablePointer<PDEVICE_OBJECT?>!
) -> NTSTATUS {
  guard let description = unsafe Device?.pointee else {
    return NTStatus.invalidParameter.rawValue
  }
  guard description.Size == MemoryLayout<INTERRUPTSYNC_SOFTWARE_DEVICE>.size else {
    return NTSTATUS(bitPattern: 0xC000_0004)
  }
  return unsafe create("InterruptSyncCreateSoftwareDevice", DeviceObject) {
    try WindowsDevice(description, extensionSize: DeviceExtensionSize)
  }
}

@c @implementation
public func InterruptSyncTriggerInterrupt(_ DeviceObject: PDEVICE_OBJECT!, _ Index: ULONG)
  -> NTSTATUS
{
  guard let device = unsafe WindowsDevice.of(DeviceObject), Index < device.software.count else {
    return NTStatus.invalidParameter.rawValue
  }
  device.software[Int(Index)].trigger()
  return NTStatus.success.rawValue
}

@c @implementation
public func InterruptSyncDeleteDevice(_ DeviceObject: PDEVICE_OBJECT!) {
  guard Reports.require("InterruptSyncDeleteDevice", atMost: KIRQL(PASSIVE_LEVEL)),
    let device = unsafe WindowsDevice.of(DeviceObject)
  else { return }
  unsafe Unmanaged.passUnretained(device).release()
}

@c @implementation
public func InterruptSyncSetBusMaster(_ DeviceObject: PDEVICE_OBJECT!, _ On: BOOLEAN) -> NTSTATUS {
  let call = "InterruptSyncSetBusMaster"
  guard let device = unsafe WindowsDevice.of(DeviceObject) else {
    return NTStatus.invalidParameter.rawValue
  }
  guard Reports.require(call, atMost: KIRQL(PASSIVE_LEVEL)) else {
    return NTStatus.invalidDeviceState.rawValue
  }
  guard let line = device.lines.first?.shared.source as? UIOLine else {
    Reports.notice(call, "N16", "the device has no interrupt line to a PCI function")
    return NTStatus.notSupported.rawValue
  }
  do throws(UIOError) {
    try line.setBusMaster(On != 0)
    return NTStatus.success.rawValue
  } catch {
    Reports.notice(call, "N16", error.description)
    return (error.code == .rearmUnsupported ? .notSupported : status(error)).rawValue
  }
}

@c @implementation
public func InterruptSyncTranslatedResources(_ DeviceObject: PDEVICE_OBJECT!) -> PCM_RESOURCE_LIST!
{ unsafe WindowsDevice.of(DeviceObject)?.translated }

@c @implementation
public func InterruptSyncUntranslatedResources(_ DeviceObject: PDEVICE_OBJECT!)
  -> PCM_RESOURCE_LIST!
{ unsafe WindowsDevice.of(DeviceObject)?.untranslated }
