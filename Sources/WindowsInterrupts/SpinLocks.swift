// Executive spin locks: each KSPIN_LOCK holds the address of a lock of the core's, so that the same
// lock can be an interrupt's (K7). They block with priority inheritance instead of spinning (N6).
import CUIO
public import CWindowsInterrupts
import InterruptSync
import LinuxSystem

/// A core lock with what the Windows rules need to know about it.
@safe final class SpinLock: @unchecked Sendable {
  let lock = InterruptLock()
  /// Acquisitions by the owner that were reported and not made. Belongs to the owner.
  var refused = 0
  /// The SynchronizeIrql of the interrupts that use it, and how many do. Guarded by `monitor`.
  private var level: KIRQL = 0
  private var users = 0
  private let monitor = Monitor()

  /// Notes an interrupt; false when it has another level than those before it (K7).
  func join(_ newLevel: KIRQL) -> Bool {
    monitor.locked {
      defer { users += 1 }
      if users == 0 { level = newLevel }
      return level == newLevel
    }
  }

  func leave() { monitor.locked { users -= 1 } }

  func acquire(_ call: @autoclosure () -> String) {
    switch lock.acquire() {
    case 0: break
    case _ where lock.isHeldByCaller:
      refused += 1
      Reports.violation(call(), "K24", "the calling thread holds this spin lock already")
    default:
      Reports.violation(
        call(), "K24", "the thread that held the spin lock ended without releasing it")
    }
  }

  func release(_ call: @autoclosure () -> String) {
    guard lock.isHeldByCaller else {
      return Reports.violation(call(), "K24", "the calling thread does not hold this spin lock")
    }
    if refused > 0 { refused -= 1 } else { lock.release() }
  }
}

enum SpinLocks {
  static let table = AddressTable<SpinLock>()

  /// The lock behind a KSPIN_LOCK, made at its first use.
  static func lock(_ place: PKSPIN_LOCK) -> SpinLock {
    let word = unsafe UnsafeMutableRawPointer(place).assumingMemoryBound(
      to: UnsafeMutableRawPointer?.self)
    if let known = unsafe isw_load_pointer(word) {
      return unsafe Unmanaged<SpinLock>.fromOpaque(known).takeUnretainedValue()
    }
    let made = table.value(UInt(bitPattern: place)) { SpinLock() }
    unsafe isw_store_pointer(word, Unmanaged.passUnretained(made).toOpaque())
    return made
  }

  static func requireDispatch(_ call: String) {
    let level = KeGetCurrentIrql()
    if level < KIRQL(DISPATCH_LEVEL) {
      Reports.violation(call, "K24", "called at IRQL \(level); it belongs at DISPATCH_LEVEL")
    } else if level > KIRQL(DISPATCH_LEVEL) {
      Reports.violation(
        call, "K23", "called at IRQL \(level); executive spin locks end at DISPATCH_LEVEL")
    }
  }
}

@c @implementation
public func isw_spin_lock_acquire(_ place: PKSPIN_LOCK!, _ call: PCSTR!) {
  unsafe SpinLocks.lock(place).acquire(String(cString: call))
}

@c @implementation
public func isw_spin_lock_release(_ place: PKSPIN_LOCK!, _ call: PCSTR!) {
  unsafe SpinLocks.lock(place).release(String(cString: call))
}

@c @implementation
public func KeTestSpinLock(_ SpinLock: PKSPIN_LOCK!) -> BOOLEAN {
  unsafe SpinLocks.lock(SpinLock).lock.isLocked ? 0 : 1
}

@c @implementation
public func KeInitializeSpinLock(_ SpinLock: PKSPIN_LOCK!) {
  unsafe SpinLock.pointee = 0
  _ = unsafe SpinLocks.lock(SpinLock)
}

@c @implementation
public func KeAcquireSpinLockRaiseToDpc(_ SpinLock: PKSPIN_LOCK!) -> KIRQL {
  let level = KeGetCurrentIrql()
  if level > KIRQL(DISPATCH_LEVEL) {
    SpinLocks.requireDispatch("KeAcquireSpinLock")
  } else {
    _ = cuio_thread_set_level(DISPATCH_LEVEL)
  }
  unsafe SpinLocks.lock(SpinLock).acquire("KeAcquireSpinLock")
  return level
}

@c @implementation
public func KeReleaseSpinLock(_ SpinLock: PKSPIN_LOCK!, _ NewIrql: KIRQL) {
  unsafe SpinLocks.lock(SpinLock).release("KeReleaseSpinLock")
  KeLowerIrql(NewIrql)
}

@c @implementation
public func KeAcquireSpinLockAtDpcLevel(_ SpinLock: PKSPIN_LOCK!) {
  SpinLocks.requireDispatch("KeAcquireSpinLockAtDpcLevel")
  unsafe SpinLocks.lock(SpinLock).acquire("KeAcquireSpinLockAtDpcLevel")
}

@c @implementation
public func KeReleaseSpinLockFromDpcLevel(_ SpinLock: PKSPIN_LOCK!) {
  unsafe SpinLocks.lock(SpinLock).release("KeReleaseSpinLockFromDpcLevel")
}

@c @implementation
public func KeTryToAcquireSpinLockAtDpcLevel(_ SpinLock: PKSPIN_LOCK!) -> BOOLEAN {
  SpinLocks.requireDispatch("KeTryToAcquireSpinLockAtDpcLevel")
  return unsafe SpinLocks.lock(SpinLock).lock.tryAcquire() ? 1 : 0
}
