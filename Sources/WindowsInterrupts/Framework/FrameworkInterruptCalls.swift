// Floor 5, room Framework. WdfInterrupt…: drivers' calls, from handles to FrameworkInterrupt, with
// the levels of 4.6. On the caller's thread; an ISR makes some with the interrupt's lock held.
// Acquire, release, synchronize and the reports of activity take that lock, enable and disable also
// `changing`; queueing a DPC or work item takes none.
public import CWindowsInterrupts
import InterruptSync
import LinuxSystem
import Synchronization

private func find(_ handle: WDFINTERRUPT?, _ call: String) -> FrameworkInterrupt? {
  unsafe FrameworkHandles.object(handle, call)
}

@c @implementation
public func WdfInterruptQueueDpcForIsr(_ Interrupt: WDFINTERRUPT!) -> BOOLEAN {
  let call = "WdfInterruptQueueDpcForIsr"
  guard let interrupt = unsafe find(Interrupt, call) else { return 0 }
  guard interrupt.workItem == nil, let dpc = interrupt.dpc else {
    Reports.violation(call, "W17", "the interrupt has no EvtInterruptDpc")
    return 0
  }
  return dpc.enqueue() ? 1 : 0
}

@c @implementation
public func WdfInterruptQueueWorkItemForIsr(_ Interrupt: WDFINTERRUPT!) -> BOOLEAN {
  let call = "WdfInterruptQueueWorkItemForIsr"
  guard let interrupt = unsafe find(Interrupt, call) else { return 0 }
  guard let workItem = interrupt.workItem, let dpc = interrupt.dpc else {
    Reports.violation(call, "W17", "the interrupt has no EvtInterruptWorkItem")
    return 0
  }
  // A passive-level ISR, too, holds the interrupt's lock, under which no other is taken (W28).
  let isHigh = KeGetCurrentIrql() > KIRQL(DISPATCH_LEVEL) || interrupt.isInside
  return (isHigh ? dpc.enqueue() : workItem.enqueue()) ? 1 : 0
}

@c @implementation
public func isw_wdf_synchronize_slow(
  _ handle: WDFINTERRUPT!, _ callback: PFN_WDF_INTERRUPT_SYNCHRONIZE!, _ context: WDFCONTEXT!
) -> BOOLEAN {
  guard let interrupt = unsafe find(handle, "WdfInterruptSynchronize") else { return 0 }
  guard let callback = unsafe callback else {
    Reports.violation("WdfInterruptSynchronize", "W19", "the callback is NULL")
    return 0
  }
  return unsafe interrupt.synchronize(callback, context)
}

@c @implementation
public func WdfInterruptAcquireLock(_ Interrupt: WDFINTERRUPT!) {
  unsafe find(Interrupt, "WdfInterruptAcquireLock")?.acquire()
}

@c @implementation
public func WdfInterruptReleaseLock(_ Interrupt: WDFINTERRUPT!) {
  unsafe find(Interrupt, "WdfInterruptReleaseLock")?.release()
}

@c @implementation
public func WdfInterruptTryToAcquireLock(_ Interrupt: WDFINTERRUPT!) -> BOOLEAN {
  unsafe find(Interrupt, "WdfInterruptTryToAcquireLock")?.tryAcquire() == true ? 1 : 0
}

/// The checks of WdfInterruptEnable and WdfInterruptDisable.
private func findPassive(_ handle: WDFINTERRUPT?, _ call: String) -> FrameworkInterrupt? {
  guard let interrupt = unsafe find(handle, call) else { return nil }
  if interrupt.isInside {
    Reports.wouldDeadlock(call)
    return nil
  }
  guard Reports.require(call, atMost: KIRQL(PASSIVE_LEVEL)) else { return nil }
  interrupt.checkSerialized(call)
  return interrupt
}

@c @implementation
public func WdfInterruptEnable(_ Interrupt: WDFINTERRUPT!) {
  unsafe findPassive(Interrupt, "WdfInterruptEnable")?.forceOn()
}

@c @implementation
public func WdfInterruptDisable(_ Interrupt: WDFINTERRUPT!) {
  unsafe findPassive(Interrupt, "WdfInterruptDisable")?.forceOff()
}

private func setActive(_ handle: WDFINTERRUPT?, _ call: String, _ isActive: Bool) {
  guard Reports.require(call, atMost: KIRQL(DISPATCH_LEVEL)), let found = unsafe find(handle, call)
  else {
    return
  }
  // A passive-level ISR, or a holder of the lock, is inside already.
  let isConnected =
    found.isInside ? found.apply(isActive) : found.withLock(call) { found.apply(isActive) }
  if isConnected == false { Reports.violation(call, "W11", "the interrupt is not connected") }
}

extension FrameworkInterrupt {
  /// With the lock held. False: not connected.
  fileprivate func apply(_ isActive: Bool) -> Bool {
    interrupt?.setActive(isActive)
    return interrupt != nil
  }
}

@c @implementation
public func WdfInterruptReportActive(_ Interrupt: WDFINTERRUPT!) {
  unsafe setActive(Interrupt, "WdfInterruptReportActive", true)
}

@c @implementation
public func WdfInterruptReportInactive(_ Interrupt: WDFINTERRUPT!) {
  unsafe setActive(Interrupt, "WdfInterruptReportInactive", false)
}

@c @implementation
public func WdfInterruptGetInfo(_ Interrupt: WDFINTERRUPT!, _ Info: PWDF_INTERRUPT_INFO!) {
  let call = "WdfInterruptGetInfo"
  guard let interrupt = unsafe find(Interrupt, call) else { return }
  let size = ULONG(MemoryLayout<WDF_INTERRUPT_INFO>.size)
  guard let Info = unsafe Info, unsafe Info.pointee.Size == size else {
    return Reports.violation(call, "W32", "Size is wrong; begin with WDF_INTERRUPT_INFO_INIT")
  }
  unsafe Info.pointee = interrupt.info
}

extension FrameworkInterrupt {
  fileprivate func set(_ new: WDF_INTERRUPT_EXTENDED_POLICY, _ call: String) {
    guard !isInside else { return Reports.wouldDeadlock(call) }
    changing.locked {
      guard interrupt == nil else {
        return Reports.violation(call, "W32", "call it before the interrupt is connected")
      }
      setPolicy(new, call)
    }
  }
}

@c @implementation
public func WdfInterruptWdmGetInterrupt(_ Interrupt: WDFINTERRUPT!) -> PKINTERRUPT! {
  guard let interrupt = unsafe find(Interrupt, "WdfInterruptWdmGetInterrupt") else { return nil }
  return unsafe interrupt.connection.load(ordering: .sequentiallyConsistent)?
    .assumingMemoryBound(to: _KINTERRUPT.self)
}

@c @implementation
public func WdfInterruptGetDevice(_ Interrupt: WDFINTERRUPT!) -> WDFDEVICE! {
  unsafe find(Interrupt, "WdfInterruptGetDevice")?.owner.handle
}

@c @implementation
public func WdfInterruptSetPolicy(
  _ Interrupt: WDFINTERRUPT!, _ Policy: WDF_INTERRUPT_POLICY, _ Priority: WDF_INTERRUPT_PRIORITY,
  _ TargetProcessorSet: KAFFINITY
) {
  let call = "WdfInterruptSetPolicy"
  guard Reports.require(call, atMost: KIRQL(PASSIVE_LEVEL)) else { return }
  var policy = WDF_INTERRUPT_EXTENDED_POLICY()
  policy.Policy = Policy
  policy.Priority = Priority
  policy.TargetProcessorSetAndGroup.Mask = TargetProcessorSet
  unsafe find(Interrupt, call)?.set(policy, call)
}

@c @implementation
public func WdfInterruptSetExtendedPolicy(
  _ Interrupt: WDFINTERRUPT!, _ PolicyAndGroup: PWDF_INTERRUPT_EXTENDED_POLICY!
) {
  let call = "WdfInterruptSetExtendedPolicy"
  guard Reports.require(call, atMost: KIRQL(PASSIVE_LEVEL)) else { return }
  guard let policy = unsafe PolicyAndGroup?.pointee,
    policy.Size == ULONG(MemoryLayout<WDF_INTERRUPT_EXTENDED_POLICY>.size)
  else {
    return Reports.violation(
      call, "W32", "Size is wrong; begin with WDF_INTERRUPT_EXTENDED_POLICY_INIT")
  }
  unsafe find(Interrupt, call)?.set(policy, call)
}
