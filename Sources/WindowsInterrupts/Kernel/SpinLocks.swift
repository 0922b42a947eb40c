// Floor 5, room Kernel. IRQLs and executive spin locks. Drivers call them on any thread: levels
// anywhere, spin locks up to DISPATCH_LEVEL; the C half's service groups and ExInterlocked… lists
// call them too, the lists at any level; the framework's locks and all interrupts take SpinLock.
// The level belongs to the calling thread and serves the checks; exclusion comes from locks (N23).
// Each KSPIN_LOCK holds the address of a SpinLock, which `SpinLocks.table` keeps: it has a lock of
// the core, so that an interrupt can use the same lock (K7), and blocks with priority inheritance
// (N6). A monitor guards the table, another one who uses a SpinLock.
import CUIO
public import CWindowsInterrupts
import InterruptSync
import LinuxSystem

// MARK: Levels (N23, D5)

@c @implementation
public func KeGetCurrentIrql() -> KIRQL { KIRQL(truncatingIfNeeded: cuio_thread_level()) }

@c @implementation
public func KfRaiseIrql(_ NewIrql: KIRQL, _ OldIrql: PKIRQL!) {
  let level = KeGetCurrentIrql()
  if let OldIrql = unsafe OldIrql { unsafe OldIrql.pointee = level }
  guard NewIrql >= level else {
    return Reports.violation("KeRaiseIrql", "D5", "IRQL \(NewIrql) is below the current \(level)")
  }
  _ = cuio_thread_set_level(Int32(NewIrql))
}

@c @implementation
public func KeRaiseIrqlToDpcLevel() -> KIRQL {
  var level: KIRQL = 0
  unsafe KfRaiseIrql(KIRQL(DISPATCH_LEVEL), &level)
  return level
}

@c @implementation
public func KeLowerIrql(_ NewIrql: KIRQL) {
  let level = KeGetCurrentIrql()
  guard NewIrql <= level else {
    return Reports.violation("KeLowerIrql", "D5", "IRQL \(NewIrql) is above the current \(level)")
  }
  _ = cuio_thread_set_level(Int32(NewIrql))
  // A DPC that was queued meanwhile put its wake-up off until now.
  cuio_thread_left_lock()
}

// MARK: Spin locks

/// Windows keeps DPCs and spin locks in the driver's memory and never says when they end. The part
/// of them that lives here is kept by address: it ends when the driver initialises the address
/// again, or with the block of pool, device or group that holds the address.
final class AddressTable<Value: Sendable>: @unchecked Sendable {
  private let monitor = Monitor()
  private var values: [UInt: Value] = [:]

  /// Keeps `value`. Returns the previous one, so that it ends outside the table's lock.
  func replace(_ address: UInt, with value: Value) -> Value? {
    monitor.locked { values.updateValue(value, forKey: address) }
  }

  /// The value at `address`; makes one if there is none.
  func value(_ address: UInt, orMake make: () -> Value) -> Value {
    monitor.locked {
      if let value = values[address] { return value }
      let value = make()
      values[address] = value
      return value
    }
  }

  func forget(_ range: Range<UInt>) -> [Value] {
    monitor.locked {
      let inside = values.keys.filter(range.contains)
      return inside.compactMap { values.removeValue(forKey: $0) }
    }
  }
}

/// A lock of the core, with the state that the Windows rules need.
@safe final class SpinLock: @unchecked Sendable {
  let lock = InterruptLock()
  /// Acquisitions by the owner that were reported and refused. Belongs to the owner.
  var refused = 0
  /// The level of the owner before `acquireRaising`. Belongs to the owner.
  private var levelBefore: KIRQL = 0
  /// The SynchronizeIrql of the interrupts that use it, and how many do. Guarded by `monitor`.
  private var level: KIRQL = 0
  private var users = 0
  private let monitor = Monitor()

  /// Adds an interrupt; false if its level differs from those before it (K7).
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

  /// Acquires it at DISPATCH_LEVEL, and keeps the caller's level for `releaseLowering`.
  func acquireRaising(_ call: String) {
    let level = KeGetCurrentIrql()
    let wasHeld = lock.isHeldByCaller
    if level > KIRQL(DISPATCH_LEVEL) {
      SpinLocks.requireDispatch(call)
    } else {
      _ = cuio_thread_set_level(DISPATCH_LEVEL)
    }
    acquire(call)
    if !wasHeld { levelBefore = level }
  }

  func releaseLowering(_ call: String) {
    let level = levelBefore
    let isHolder = lock.isHeldByCaller
    release(call)
    if isHolder, !lock.isHeldByCaller { KeLowerIrql(level) }
  }
}

enum SpinLocks {
  static let table = AddressTable<SpinLock>()

  /// The lock of a KSPIN_LOCK, made at its first use.
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
      Reports.violation(call, "K24", "called at IRQL \(level); it needs DISPATCH_LEVEL")
    } else if level > KIRQL(DISPATCH_LEVEL) {
      Reports.violation(
        call, "K23", "called at IRQL \(level); the limit of executive spin locks is DISPATCH_LEVEL")
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
