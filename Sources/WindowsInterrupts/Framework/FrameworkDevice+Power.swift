// Floor 5, room Framework. The device's way up and down, in the order of W6 to W8, with the
// resource lists that it hands to the driver on the way. DriverHosting.swift calls it, on the
// program's thread at PASSIVE_LEVEL; `change` lets one change in at a time. No lock is held while a
// callback of the device runs; each interrupt takes its own (FrameworkInterrupt+Connection.swift).
public import CWindowsInterrupts
import InterruptSync
import Synchronization

extension FrameworkDevice {
  func start() -> NTSTATUS {
    change(from: [.stopped]) {
      let raw = unsafe FrameworkResourceList(windows.untranslated)
      let translated = unsafe FrameworkResourceList(windows.translated)
      do throws(FrameworkFailure) {
        try raw.begin(below: self)
        try translated.begin(below: self)
      } catch { return error.status }
      resources = (raw, translated)
      assignLines()
      setPhase(.preparing)
      var status = call("EvtDevicePrepareHardware") {
        unsafe callbacks.EvtDevicePrepareHardware?(handle, raw.handle, translated.handle)
      }
      setPhase(.changing)
      if status >= 0 {
        assignLevels()
        status = enterD0(from: WdfPowerDeviceD3Final)
      }
      if status < 0 { release() }
      setPhase(status < 0 ? .stopped : .working)
      return status
    }
  }

  func powerDown() -> NTSTATUS {
    change(from: [.working]) {
      setPhase(.changing)
      defer { setPhase(.low) }
      return exitD0(to: WdfPowerDeviceD3, isGone: false)
    }
  }

  func powerUp() -> NTSTATUS {
    change(from: [.low]) {
      setPhase(.changing)
      let status = enterD0(from: WdfPowerDeviceD3)
      if status < 0 { release() }
      setPhase(status < 0 ? .stopped : .working)
      return status
    }
  }

  func surpriseRemove() -> NTSTATUS {
    change(from: [.working, .low, .stopped]) {
      let isWorking = currentPhase == .working
      setPhase(.changing)
      FrameworkCall.run("EvtDeviceSurpriseRemoval", at: KIRQL(PASSIVE_LEVEL)) {
        unsafe callbacks.EvtDeviceSurpriseRemoval?(handle)
      }
      var status = NTStatus.success.rawValue
      if isWorking { status = exitD0(to: WdfPowerDeviceD3Final, isGone: true) }
      if resources != nil { release() }
      flushSelfManagedIO()
      setPhase(.gone)
      return status
    }
  }

  func remove() -> NTSTATUS {
    change(from: [.working, .low, .stopped, .gone]) {
      let isWorking = currentPhase == .working
      setPhase(.changing)
      var status = NTStatus.success.rawValue
      if isWorking { status = exitD0(to: WdfPowerDeviceD3Final, isGone: false) }
      if resources != nil { release() }
      endSelfManagedIO()
      setPhase(.gone)
      end()
      return status
    }
  }

  /// Ends the device, and frees the device object for the next driver.
  func end() {
    delete()
    windows.attachment.release()
    driver.removeDevice()
  }

  private func enterD0(from previous: WDF_POWER_DEVICE_STATE) -> NTSTATUS {
    var status = call("EvtDeviceD0Entry") { unsafe callbacks.EvtDeviceD0Entry?(handle, previous) }
    guard status >= 0 else { return status }
    isPowered.store(true, ordering: .sequentiallyConsistent)
    for interrupt in interrupts where status >= 0 { status = interrupt.powerUp() }
    if status >= 0 {
      status = call("EvtDeviceD0EntryPostInterruptsEnabled") {
        unsafe callbacks.EvtDeviceD0EntryPostInterruptsEnabled?(handle, previous)
      }
    }
    if status >= 0 { status = startSelfManagedIO() }
    guard status < 0 else { return status }
    _ = disconnectInterrupts(isGone: false)
    _ = call("EvtDeviceD0Exit") {
      unsafe callbacks.EvtDeviceD0Exit?(handle, WdfPowerDeviceD3Final)
    }
    return status
  }

  private func exitD0(to target: WDF_POWER_DEVICE_STATE, isGone: Bool) -> NTSTATUS {
    let suspend = suspendSelfManagedIO()
    let before = call("EvtDeviceD0ExitPreInterruptsDisabled") {
      unsafe callbacks.EvtDeviceD0ExitPreInterruptsDisabled?(handle, target)
    }
    let disconnect = disconnectInterrupts(isGone: isGone)
    let exit = call("EvtDeviceD0Exit") { unsafe callbacks.EvtDeviceD0Exit?(handle, target) }
    return [suspend, before, disconnect, exit].first { $0 < 0 } ?? exit
  }

  /// Newest first. Returns the first failure.
  private func disconnectInterrupts(isGone: Bool) -> NTSTATUS {
    isPowered.store(false, ordering: .sequentiallyConsistent)
    var result = NTStatus.success.rawValue
    for interrupt in interrupts.reversed() {
      let status = interrupt.powerDown(isGone: isGone)
      if result >= 0 { result = status }
    }
    return result
  }

  /// Also runs after a failed EvtDevicePrepareHardware. Ends the interrupts that were made there.
  private func release() {
    _ = call("EvtDeviceReleaseHardware") {
      unsafe callbacks.EvtDeviceReleaseHardware?(handle, resources?.translated.handle)
    }
    for interrupt in interrupts.reversed() where interrupt.hasOwnResource { interrupt.delete() }
    for interrupt in interrupts { interrupt.setLine(nil) }
    resources?.raw.delete()
    resources?.translated.delete()
    resources = nil
  }

  /// Interrupts of EvtDriverDeviceAdd get the device's lines in the order of their creation (W3).
  private func assignLines() {
    for (interrupt, line) in zip(interrupts, windows.lines) { interrupt.setLine(line) }
  }

  /// Interrupts with one lock get the highest of their levels (W5).
  private func assignLevels() {
    for interrupt in interrupts { interrupt.assignLevel(among: interrupts) }
  }

  func call(_ callback: String, _ body: () -> NTSTATUS?) -> NTSTATUS {
    FrameworkCall.run(callback, at: KIRQL(PASSIVE_LEVEL), body) ?? NTStatus.success.rawValue
  }
}

// MARK: WDFCMRESLIST

/// A view of a device object's resource list, which does not change while the device object lives.
/// Up to DISPATCH_LEVEL, no lock.
@safe final class FrameworkResourceList: FrameworkObject, @unchecked Sendable {
  private let list: PCM_RESOURCE_LIST?

  init(_ list: PCM_RESOURCE_LIST?) {
    unsafe self.list = unsafe list
    super.init(FrameworkAttributes.none)
  }

  override var isFrameworkOwned: Bool { true }

  var count: ULONG { unsafe list?.pointee.List.PartialResourceList.Count ?? 0 }

  subscript(index: ULONG) -> PCM_PARTIAL_RESOURCE_DESCRIPTOR? {
    guard let list = unsafe list, index < count else { return nil }
    let entries = unsafe UnsafeMutableRawPointer(
      list.pointer(to: \.List.PartialResourceList.PartialDescriptors)!)
    return unsafe entries.assumingMemoryBound(to: CM_PARTIAL_RESOURCE_DESCRIPTOR.self)
      + Int(index)
  }
}

@c @implementation
public func WdfCmResourceListGetCount(_ List: WDFCMRESLIST!) -> ULONG {
  let call = "WdfCmResourceListGetCount"
  let list: FrameworkResourceList? = unsafe FrameworkHandles.object(List, call)
  return list?.count ?? 0
}

@c @implementation
public func WdfCmResourceListGetDescriptor(_ List: WDFCMRESLIST!, _ Index: ULONG)
  -> PCM_PARTIAL_RESOURCE_DESCRIPTOR!
{
  let call = "WdfCmResourceListGetDescriptor"
  let list: FrameworkResourceList? = unsafe FrameworkHandles.object(List, call)
  return unsafe list?[Index]
}
