// Floor 5, room Framework. WdfInterruptCreate: the checks of W2, in their order. Drivers call it in
// EvtDriverDeviceAdd or EvtDevicePrepareHardware, on the program's thread up to DISPATCH_LEVEL. No
// lock is held; the new interrupt's lock and the device's monitor are taken for a moment.
public import CWindowsInterrupts
import InterruptSync
import Synchronization

@safe private struct InterruptCreation {
  let call = "WdfInterruptCreate"
  let device: FrameworkDevice
  let config: WDF_INTERRUPT_CONFIG
  let attributes: FrameworkAttributes

  /// The first and second check, and the attributes' own.
  init(
    _ handle: WDFDEVICE?, _ config: PWDF_INTERRUPT_CONFIG?, _ attributes: PWDF_OBJECT_ATTRIBUTES?
  ) throws(FrameworkFailure) {
    guard let device: FrameworkDevice = unsafe FrameworkHandles.object(handle, call) else {
      throw .invalidHandle
    }
    guard let config = unsafe config?.pointee else { throw .invalidParameter }
    guard unsafe config.Size == ULONG(MemoryLayout<WDF_INTERRUPT_CONFIG>.size) else {
      throw .lengthMismatch
    }
    guard unsafe config.EvtInterruptIsr != nil else { throw .invalidParameter }
    self.device = device
    unsafe self.config = unsafe config
    self.attributes = unsafe try FrameworkAttributes(attributes, allowing: .parent)
  }

  func make() throws(FrameworkFailure) -> FrameworkInterrupt {
    try checkParent()
    try checkTime()
    try checkHandling()
    let lock = try sharedLock()
    try checkSerialization()
    let ownLine = try ownLine()
    let interrupt = unsafe FrameworkInterrupt(attributes, config, device, lock: lock)
    if let ownLine {
      interrupt.setLine(ownLine)
      interrupt.assignLevel(among: [interrupt])
    }
    guard interrupt.prepareDeferred() else {
      interrupt.abandon()
      throw .noResources
    }
    try interrupt.begin(below: device)
    device.add(interrupt)
    return interrupt
  }

  /// The third check.
  private func checkParent() throws(FrameworkFailure) {
    guard let parent = try FrameworkObject.parent(call, attributes) else { return }
    guard unsafe config.AutomaticSerialization != 0 else { throw .parentNotAllowed }
    // There are no queues, so it is the device.
    guard parent === device else { throw .invalidParameter }
  }

  /// The fourth to the sixth check.
  private func checkTime() throws(FrameworkFailure) {
    switch device.currentPhase {
    case .adding:
      guard unsafe config.InterruptRaw == nil, unsafe config.InterruptTranslated == nil,
        unsafe config.CanWakeDevice == 0
      else { throw .invalidParameter }
    case .preparing:
      guard unsafe config.InterruptRaw != nil, unsafe config.InterruptTranslated != nil,
        unsafe config.ShareVector == WdfUseDefault
      else { throw .invalidParameter }
    default: throw .invalidState
    }
  }

  /// The seventh to the ninth check.
  private func checkHandling() throws(FrameworkFailure) {
    if unsafe config.EvtInterruptDpc != nil && config.EvtInterruptWorkItem != nil {
      throw .invalidParameter
    }
    guard unsafe config.PassiveHandling == 0 else {
      if unsafe config.SpinLock != nil { throw .invalidParameter }
      return
    }
    if unsafe config.WaitLock != nil || config.CanWakeDevice != 0 { throw .invalidParameter }
  }

  /// The eleventh check.
  private func checkSerialization() throws(FrameworkFailure) {
    let isSerialized = unsafe config.AutomaticSerialization != 0
    if unsafe config.EvtInterruptDpc != nil {
      try device.requireLevel(dispatch: true, ifSerialized: isSerialized)
    } else if unsafe config.EvtInterruptWorkItem != nil {
      try device.requireLevel(dispatch: false, ifSerialized: isSerialized)
    }
  }

  private func sharedLock() throws(FrameworkFailure) -> SpinLock? {
    if let handle = unsafe config.SpinLock {
      guard let lock: FrameworkSpinLock = unsafe FrameworkHandles.object(handle, call) else {
        throw .invalidHandle
      }
      lock.isInterruptLock.store(true, ordering: .relaxed)
      return lock.lock
    }
    if let handle = unsafe config.WaitLock {
      guard let lock: FrameworkWaitLock = unsafe FrameworkHandles.object(handle, call) else {
        throw .invalidHandle
      }
      return lock.lock
    }
    return nil
  }

  /// The line of the descriptors that EvtDevicePrepareHardware chose.
  private func ownLine() throws(FrameworkFailure) -> Line? {
    guard let descriptor = unsafe config.InterruptTranslated?.pointee else { return nil }
    guard Int32(descriptor.Type) == CmResourceTypeInterrupt,
      let line = unsafe Vectors.line(descriptor.u.Interrupt.Vector),
      line.device == ObjectIdentifier(device.windows)
    else { throw .invalidParameter }
    return line
  }
}

@c @implementation
public func WdfInterruptCreate(
  _ Device: WDFDEVICE!, _ Configuration: PWDF_INTERRUPT_CONFIG!,
  _ Attributes: PWDF_OBJECT_ATTRIBUTES!, _ Interrupt: UnsafeMutablePointer<WDFINTERRUPT?>!
) -> NTSTATUS {
  unsafe FrameworkObject.create("WdfInterruptCreate", Interrupt, atMost: DISPATCH_LEVEL) {
    () throws(FrameworkFailure) in
    try unsafe InterruptCreation(Device, Configuration, Attributes).make()
  }
}
