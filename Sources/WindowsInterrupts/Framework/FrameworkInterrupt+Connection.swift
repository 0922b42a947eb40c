// Floor 5, room Framework. Connecting and disconnecting an interrupt of the framework (W6 to W10).
// FrameworkDevice+Power calls it on the program's thread, FrameworkInterruptCalls on the driver's,
// FrameworkInterrupt's `stop` on the one that ends the interrupt, all at PASSIVE_LEVEL. The monitor
// `changing` orders the changes, and is held while the interrupt's lock is waited for: never take
// it with that lock held. That lock is held only for single steps and for EvtInterruptEnable and
// EvtInterruptDisable.
import CWindowsInterrupts
import InterruptSync
import LinuxSystem
import Synchronization

extension FrameworkInterrupt {
  /// For the device's way up. Does nothing without a line, or if the driver disabled the interrupt.
  func powerUp() -> NTSTATUS {
    let status = changing.locked { isForcedOff ? NTStatus.success.rawValue : connect() }
    if status < 0 { flushDeferred() }
    return status
  }

  /// For the device's way down. Does nothing if the driver disabled the interrupt. First the
  /// disable callback, then the line, and only then the deferred routines that the ISR may have
  /// queued (U6); those without `changing`, which a work item may need.
  func powerDown(isGone: Bool) -> NTSTATUS {
    let status = changing.locked { disconnect(isGone) }
    flushDeferred()
    return status
  }

  /// WdfInterruptEnable.
  func forceOn() {
    let status = changing.locked { () -> NTSTATUS in
      isForcedOff = false
      let isPowered = owner.isPowered.load(ordering: .sequentiallyConsistent)
      return isPowered ? connect() : NTStatus.success.rawValue
    }
    guard status < 0 else { return }
    flushDeferred()
    Reports.notice(
      "WdfInterruptEnable", "W10",
      "the interrupt could not be connected: \(NTStatus(rawValue: status))")
  }

  /// WdfInterruptDisable.
  func forceOff() {
    changing.locked {
      isForcedOff = true
      _ = disconnect(false)
    }
    flushDeferred()
  }

  private func connect() -> NTSTATUS {
    guard interrupt == nil, let line else { return NTStatus.success.rawValue }
    let made = unsafe Interrupt(
      [line], routine: isw_wdf_isr_call, context: isr, spinLock: lock, irql: irql,
      isPassive: isPassive)
    // Before the line is open: the ISR may run at once (W9).
    setInterrupt(made)
    do throws(InterruptSyncError) {
      try made.connect(shares: isShared)
    } catch {
      forgetInterrupt(made)
      return Reports.failure("WDFINTERRUPT", error)
    }
    let status = unsafe change("EvtInterruptEnable", unsafe config.EvtInterruptEnable)
    if status < 0 { closeLine(made) }
    return status
  }

  private func disconnect(_ isGone: Bool) -> NTSTATUS {
    guard let interrupt else { return NTStatus.success.rawValue }
    var status = NTStatus.success.rawValue
    if !isGone { status = unsafe change("EvtInterruptDisable", unsafe config.EvtInterruptDisable) }
    closeLine(interrupt)
    return status
  }

  /// From the first step on the ISR is not called, as on Windows (W8, W9).
  private func closeLine(_ interrupt: Interrupt) {
    withLock("WDFINTERRUPT") {
      interrupt.setActive(false)
      unsafe connection.store(nil, ordering: .sequentiallyConsistent)
    }
    interrupt.disconnect()
    forgetInterrupt(interrupt)
  }

  private func setInterrupt(_ made: Interrupt) {
    withLock("WDFINTERRUPT") {
      interrupt = made
      unsafe connection.store(
        UnsafeMutableRawPointer(made.handle), ordering: .sequentiallyConsistent)
    }
  }

  private func forgetInterrupt(_ ended: Interrupt) {
    withLock("WDFINTERRUPT") {
      interrupt = nil
      unsafe connection.store(nil, ordering: .sequentiallyConsistent)
    }
    _ = unsafe InterruptHandles.retire(ended.handle)
  }

  private func flushDeferred() {
    if dpc != nil { KeFlushQueuedDpcs() }
    workItem?.flush()
  }

  /// EvtInterruptEnable or EvtInterruptDisable, as a synchronize callback.
  private func change(_ name: String, _ routine: PFN_WDF_INTERRUPT_ENABLE?) -> NTSTATUS {
    guard let routine = unsafe routine else { return NTStatus.success.rawValue }
    let status = withLock(name) {
      FrameworkCall.run(name, at: irql) { unsafe routine(handle, owner.handle) }
    }
    return status ?? NTStatus.possibleDeadlock.rawValue
  }

  private var isShared: Bool {
    switch unsafe config.ShareVector {
    case WdfTrue: true
    case WdfFalse: false
    // All lines are described as shared (isw_resources_add_interrupt).
    default: true
    }
  }
}
