import CUIO
import LinuxSystem

/// Keeps a tap on an object's dispatches for as long as somebody can still watch it.
final class EventSubscription: Sendable {
  let tap: EventTap
  private let storage: SyncStorage

  init(to tap: EventTap, of storage: SyncStorage) {
    self.tap = tap
    self.storage = storage
    storage.monitor.locked { storage.taps.append(tap) }
    storage.holdingLock { unsafe storage.link(tap.ring) }
  }

  deinit {
    storage.holdingLock { unsafe storage.unlink(tap.ring) }
    storage.monitor.locked { storage.taps.removeAll { $0 === tap } }
    tap.finish()
  }
}

extension SyncStorage {
  /// Puts `ring` on. With the interrupt lock held by the caller.
  func link(_ ring: UnsafeMutablePointer<cuio_ring>) {
    unsafe ring.pointee.next = core.pointee.rings
    unsafe core.pointee.rings = ring
  }

  /// Takes `ring` off. With the interrupt lock held by the caller.
  func unlink(_ ring: UnsafeMutablePointer<cuio_ring>) {
    if unsafe core.pointee.rings == ring {
      unsafe core.pointee.rings = ring.pointee.next
      return
    }
    var before = unsafe core.pointee.rings
    while let current = unsafe before {
      if unsafe current.pointee.next == ring {
        unsafe current.pointee.next = ring.pointee.next
        return
      }
      unsafe before = unsafe current.pointee.next
    }
  }
}
