// WDFSPINLOCK: one of the locks behind KSPIN_LOCK, as an object.
public import CWindowsInterrupts
import CUIO
import InterruptSync
import Synchronization

@safe final class FrameworkSpinLock: FrameworkObject, @unchecked Sendable {
  let lock = SpinLock()
  /// An interrupt was made with it (W5).
  let isInterruptLock = Atomic<Bool>(false)
  /// The holder's level before.
  private var levelBefore: KIRQL = 0

  func acquire() {
    let call = "WdfSpinLockAcquire"
    if isInterruptLock.load(ordering: .relaxed) {
      Reports.violation(call, "W5", "the lock is an interrupt's; use WdfInterruptAcquireLock")
    }
    let level = KeGetCurrentIrql()
    let wasHeld = lock.lock.isHeldByCaller
    if level > KIRQL(DISPATCH_LEVEL) {
      SpinLocks.requireDispatch(call)
    } else {
      _ = cuio_thread_set_level(DISPATCH_LEVEL)
    }
    lock.acquire(call)
    if !wasHeld { levelBefore = level }
  }

  func release() {
    let call = "WdfSpinLockRelease"
    let level = levelBefore
    let isHolder = lock.lock.isHeldByCaller
    lock.release(call)
    if isHolder, !lock.lock.isHeldByCaller { KeLowerIrql(level) }
  }
}

@c @implementation
public func WdfSpinLockCreateIn(
  _ Driver: WDFDRIVER!, _ Attributes: PWDF_OBJECT_ATTRIBUTES!,
  _ SpinLock: UnsafeMutablePointer<WDFSPINLOCK?>!
) -> NTSTATUS {
  let call = "WdfSpinLockCreate"
  return unsafe FrameworkFailure.catching(call, SpinLock, atMost: DISPATCH_LEVEL) {
    () throws(FrameworkFailure) in
    let attributes = unsafe try FrameworkAttributes(Attributes, allowing: .parent)
    let parent = unsafe try FrameworkDriver.parent(call, attributes, Driver)
    let lock = FrameworkSpinLock(attributes)
    try lock.begin(below: parent)
    return lock
  }
}

@c @implementation
public func WdfSpinLockAcquire(_ SpinLock: WDFSPINLOCK!) {
  let lock: FrameworkSpinLock? = unsafe FrameworkHandles.object(SpinLock, "WdfSpinLockAcquire")
  lock?.acquire()
}

@c @implementation
public func WdfSpinLockRelease(_ SpinLock: WDFSPINLOCK!) {
  let lock: FrameworkSpinLock? = unsafe FrameworkHandles.object(SpinLock, "WdfSpinLockRelease")
  lock?.release()
}
