// PKINTERRUPT values. Their memory is never given back and is used again only after many others
// have ended, so that a use after the disconnect is told and not obeyed (N14).
import CWindowsInterrupts
import InterruptSync
import LinuxSystem

enum Handles {
  private static let monitor = Monitor()
  /// Ended ones, oldest first.
  nonisolated(unsafe) private static var ended: [PKINTERRUPT] = unsafe []
  private static let quarantine = 256

  static func make() -> PKINTERRUPT {
    unsafe monitor.locked {
      if unsafe ended.count > quarantine { return unsafe ended.removeFirst() }
      let handle = PKINTERRUPT.allocate(capacity: 1)
      unsafe handle.initialize(to: _KINTERRUPT())
      return unsafe handle
    }
  }

  /// From now on the handle leads to `interrupt`, and keeps it.
  static func publish(_ handle: PKINTERRUPT, _ interrupt: Interrupt) {
    monitor.locked {
      unsafe handle.pointee.object = Unmanaged.passRetained(interrupt).toOpaque()
      unsafe interrupt.open(&handle.pointee.gate)
    }
  }

  /// The interrupt behind a handle; reports one that has ended.
  static func interrupt(_ handle: PKINTERRUPT?, _ call: String) -> Interrupt? {
    if let found = unsafe current(handle) { return found }
    Reports.violation(
      call, "N14", "the interrupt object is NULL or was disconnected; ask for it after each connect"
    )
    return nil
  }

  private static func current(_ handle: PKINTERRUPT?) -> Interrupt? {
    guard let handle = unsafe handle else { return nil }
    return monitor.locked {
      unsafe handle.pointee.object.map {
        unsafe Unmanaged<Interrupt>.fromOpaque($0).takeUnretainedValue()
      }
    }
  }

  /// Ends a handle; nil when it has ended before. Waits for a routine of the interrupt, unless it
  /// is the caller.
  static func retire(_ handle: PKINTERRUPT) -> Interrupt? {
    guard let lock = unsafe current(handle)?.lock else { return nil }
    // Who comes through the gate looks at it once more with the lock held.
    let isTaken = lock.acquire() == 0
    defer { if isTaken { lock.release() } }
    return monitor.locked {
      guard let object = unsafe handle.pointee.object else { return nil }
      unsafe handle.pointee.object = nil
      unsafe isw_store_lock(&handle.pointee.gate.lock, nil)
      unsafe ended.append(handle)
      return unsafe Unmanaged<Interrupt>.fromOpaque(object).takeRetainedValue()
    }
  }
}
