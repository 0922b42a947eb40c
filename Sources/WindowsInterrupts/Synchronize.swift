// What a PKINTERRUPT is good for while it is connected.
public import CWindowsInterrupts
import InterruptSync

@c @implementation
public func isw_synchronize_slow(
  _ handle: PKINTERRUPT!, _ routine: PKSYNCHRONIZE_ROUTINE!, _ context: PVOID!
) -> BOOLEAN {
  let call = "KeSynchronizeExecution"
  guard let interrupt = unsafe Handles.interrupt(handle, call) else { return 0 }
  guard !interrupt.isInside else {
    Reports.wouldDeadlock(call)
    return 0
  }
  guard Reports.require(call, atMost: interrupt.isPassive ? KIRQL(APC_LEVEL) : interrupt.irql)
  else { return 0 }
  return unsafe interrupt.synchronize(routine, context)
}

@c @implementation
public func KeAcquireInterruptSpinLock(_ Interrupt: PKINTERRUPT!) -> KIRQL {
  let call = "KeAcquireInterruptSpinLock"
  let level = KeGetCurrentIrql()
  guard let interrupt = unsafe Handles.interrupt(Interrupt, call) else { return level }
  guard !interrupt.isPassive else {
    Reports.violation(
      call, "K25", "a passive-level interrupt has no spin lock (bug check 0x13B on Windows)")
    return level
  }
  _ = Reports.require(call, atMost: interrupt.irql)
  return interrupt.acquire()
}

@c @implementation
public func KeReleaseInterruptSpinLock(_ Interrupt: PKINTERRUPT!, _ OldIrql: KIRQL) {
  let call = "KeReleaseInterruptSpinLock"
  guard let interrupt = unsafe Handles.interrupt(Interrupt, call), !interrupt.isPassive else {
    return
  }
  interrupt.release(OldIrql)
}

private func setActive(_ call: String, _ handle: PKINTERRUPT?, _ isActive: Bool) {
  guard Reports.require(call, atMost: KIRQL(DISPATCH_LEVEL)) else { return }
  unsafe Handles.interrupt(handle, call)?.setActive(isActive)
}

@c @implementation
public func IoReportInterruptActive(_ Parameters: PIO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS!) {
  unsafe setActive(
    "IoReportInterruptActive", Parameters?.pointee.ConnectionContext.InterruptObject, true)
}

@c @implementation
public func IoReportInterruptInactive(
  _ Parameters: PIO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS!
) {
  unsafe setActive(
    "IoReportInterruptInactive", Parameters?.pointee.ConnectionContext.InterruptObject, false)
}
