// The interrupt's lock: for callbacks, and as acquire and release (W19 to W25).
import CUIO
import CWindowsInterrupts
import InterruptSync
import Synchronization

extension FrameworkInterrupt {
  var isInside: Bool { lock.lock.isHeldByCaller }

  /// Runs `body` under the lock, connected or not; nil, and reported, when it could not be had.
  @discardableResult
  func withLock<R>(_ call: String, _ body: () -> R) -> R? {
    guard mayTake(call) else { return nil }
    defer { lock.lock.release() }
    return body()
  }

  /// Takes the lock; false, and reported, for a caller inside already.
  private func mayTake(_ call: String) -> Bool {
    let result = lock.lock.acquire()
    if result == 0 { return true }
    if isInside {
      Reports.wouldDeadlock(call)
    } else {
      Reports.violation(call, "K24", "the lock's holder ended, or waits for one of the caller's")
    }
    return false
  }

  /// Reports what the serialized work item callback must not call (W15). The call goes on: here it
  /// does not deadlock.
  func checkSerialized(_ call: String) {
    guard serializedThread.load(ordering: .relaxed) == cuio_thread_id() else { return }
    Reports.violation(
      call, "W15", "called in the work item callback of an interrupt with AutomaticSerialization")
  }

  func synchronize(_ routine: PFN_WDF_INTERRUPT_SYNCHRONIZE, _ context: WDFCONTEXT?) -> BOOLEAN {
    let call = "WdfInterruptSynchronize"
    if isInside {
      Reports.wouldDeadlock(call)
      return 0
    }
    guard Reports.require(call, atMost: KIRQL(isPassive ? PASSIVE_LEVEL : DISPATCH_LEVEL)) else {
      return 0
    }
    checkSerialized(call)
    let result = withLock(call) {
      FrameworkCall.run("EvtInterruptSynchronize", at: irql) {
        unsafe routine(handle, context)
      }
    }
    return result ?? 0
  }

  func acquire() {
    let call = "WdfInterruptAcquireLock"
    checkSerialized(call)
    let level = KeGetCurrentIrql()
    guard mayAcquire(call, at: level), mayTake(call) else {
      if isInside { refusedInside += 1 } else { refusedOutside.wrappingAdd(1, ordering: .relaxed) }
      return
    }
    levelBefore = level
    if !isPassive { _ = cuio_thread_set_level(Int32(irql)) }
  }

  private func mayAcquire(_ call: String, at level: KIRQL) -> Bool {
    guard isPassive else {
      if unsafe connection.load(ordering: .sequentiallyConsistent) == nil {
        Reports.violation(
          call, "W23", "the interrupt is not connected; use its lock from Enable to Disable")
        return false
      }
      return isInside || Reports.require(call, atMost: irql)
    }
    guard level > KIRQL(PASSIVE_LEVEL) else { return true }
    Reports.violation(
      call, "W16", "called at IRQL \(level); a passive-level interrupt's lock needs PASSIVE_LEVEL")
    return false
  }

  func tryAcquire() -> Bool {
    let call = "WdfInterruptTryToAcquireLock"
    guard isPassive else {
      Reports.violation(call, "W24", "the interrupt is not handled at PASSIVE_LEVEL")
      return false
    }
    guard Reports.require(call, atMost: KIRQL(PASSIVE_LEVEL)), lock.lock.tryAcquire() else {
      return false
    }
    levelBefore = KIRQL(PASSIVE_LEVEL)
    return true
  }

  func release() {
    let call = "WdfInterruptReleaseLock"
    guard isInside else {
      // Paired with an acquisition that took no lock, or with none.
      let refused = refusedOutside.load(ordering: .relaxed)
      if refused > 0 {
        refusedOutside.wrappingSubtract(1, ordering: .relaxed)
      } else {
        Reports.violation(call, "W22", "the calling thread does not hold this lock")
      }
      return
    }
    if refusedInside > 0 {
      refusedInside -= 1
      return
    }
    let level = KeGetCurrentIrql()
    if level != irql {
      Reports.violation(
        call, "W22", "called at IRQL \(level); it belongs at \(irql), where the lock was taken")
    }
    _ = cuio_thread_set_level(Int32(levelBefore))
    lock.lock.release()
  }
}
