// Floor 5, room Framework. WDFSPINLOCK and WDFWAITLOCK: a lock of the core as an object. Drivers
// take it on any thread: a spin lock up to DISPATCH_LEVEL, to which it raises, a wait lock at
// PASSIVE_LEVEL, within a time limit if they give one (W25). InterruptCreation makes an interrupt
// with one, which then is the interrupt's lock (W5).
public import CWindowsInterrupts
import Glibc
import InterruptSync
import Synchronization

// MARK: WDFSPINLOCK

@safe final class FrameworkSpinLock: FrameworkObject, @unchecked Sendable {
  let lock = SpinLock()
  /// An interrupt was made with it (W5).
  let isInterruptLock = Atomic<Bool>(false)

  func acquire() {
    let call = "WdfSpinLockAcquire"
    if isInterruptLock.load(ordering: .relaxed) {
      Reports.violation(call, "W5", "the lock is an interrupt's; use WdfInterruptAcquireLock")
    }
    lock.acquireRaising(call)
  }

  func release() { lock.releaseLowering("WdfSpinLockRelease") }
}

@c @implementation
public func WdfSpinLockCreateIn(
  _ Driver: WDFDRIVER!, _ Attributes: PWDF_OBJECT_ATTRIBUTES!,
  _ SpinLock: UnsafeMutablePointer<WDFSPINLOCK?>!
) -> NTSTATUS {
  let call = "WdfSpinLockCreate"
  return unsafe FrameworkObject.create(call, SpinLock, atMost: DISPATCH_LEVEL) {
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

// MARK: WDFWAITLOCK

@safe final class FrameworkWaitLock: FrameworkObject, @unchecked Sendable {
  let lock = SpinLock()

  func acquire(_ timeout: LONGLONG?) -> NTSTATUS {
    let call = "WdfWaitLockAcquire"
    let limit = KIRQL(timeout == 0 ? DISPATCH_LEVEL : PASSIVE_LEVEL)
    guard Reports.require(call, atMost: limit) else { return FrameworkFailure.invalidState.status }
    guard lock.lock.isHeldByCaller else {
      let result = timeout.map { lock.lock.acquire(withinNanoseconds: Self.nanoseconds($0)) }
      switch result ?? lock.lock.acquire() {
      case 0: return NTStatus.success.rawValue
      case -ETIMEDOUT: return NTStatus.timeout.rawValue
      default:
        Reports.violation(
          call, "W25", "the lock's owner ended, or waits for a lock of the caller")
        return NTStatus.possibleDeadlock.rawValue
      }
    }
    if timeout != nil { return NTStatus.timeout.rawValue }
    Reports.violation(call, "W25", "the calling thread holds this wait lock already")
    return NTStatus.possibleDeadlock.rawValue
  }

  func release() {
    guard lock.lock.isHeldByCaller else {
      return Reports.violation(
        "WdfWaitLockRelease", "W25", "the calling thread does not hold this wait lock")
    }
    lock.lock.release()
  }

  /// From units of 100 ns: negative from now, else since 1601.
  private static func nanoseconds(_ timeout: LONGLONG) -> Int64 {
    let units = timeout <= 0 ? timeout.magnitude : UInt64(timeout).subtractingOrZero(now)
    return units > UInt64(Int64.max / 100) ? Int64.max : Int64(units) * 100
  }

  private static var now: UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return UInt64(time.tv_sec + 11_644_473_600) * 10_000_000 + UInt64(time.tv_nsec) / 100
  }
}

extension UInt64 {
  fileprivate func subtractingOrZero(_ other: UInt64) -> UInt64 { self > other ? self - other : 0 }
}

@c @implementation
public func WdfWaitLockCreateIn(
  _ Driver: WDFDRIVER!, _ Attributes: PWDF_OBJECT_ATTRIBUTES!,
  _ Lock: UnsafeMutablePointer<WDFWAITLOCK?>!
) -> NTSTATUS {
  let call = "WdfWaitLockCreate"
  return unsafe FrameworkObject.create(call, Lock, atMost: DISPATCH_LEVEL) {
    () throws(FrameworkFailure) in
    let attributes = unsafe try FrameworkAttributes(Attributes, allowing: .parent)
    let parent = unsafe try FrameworkDriver.parent(call, attributes, Driver)
    let lock = FrameworkWaitLock(attributes)
    try lock.begin(below: parent)
    return lock
  }
}

@c @implementation
public func WdfWaitLockAcquire(_ Lock: WDFWAITLOCK!, _ Timeout: PLONGLONG!) -> NTSTATUS {
  let lock: FrameworkWaitLock? = unsafe FrameworkHandles.object(Lock, "WdfWaitLockAcquire")
  return unsafe lock?.acquire(Timeout?.pointee) ?? FrameworkFailure.invalidHandle.status
}

@c @implementation
public func WdfWaitLockRelease(_ Lock: WDFWAITLOCK!) {
  let lock: FrameworkWaitLock? = unsafe FrameworkHandles.object(Lock, "WdfWaitLockRelease")
  lock?.release()
}
