// Storages of objects whose last reference went inside one of their own routines. The caller of that
// routine has still to leave the interrupt lock, so they are kept until it has.
import CUIO
import LinuxSystem

enum DepartedStorages {
  private static let monitor = Monitor()
  nonisolated(unsafe) private static var kept: [SyncStorage] = []

  static func keep(_ storage: SyncStorage) {
    monitor.locked { unsafe kept.append(storage) }
  }

  /// Lets go of those that nobody is inside of any more. With each object that is made or ends.
  static func sweep() {
    // Released after the monitor, as what a release runs is not ours to know.
    var departed: [SyncStorage] = []
    monitor.locked {
      guard unsafe !kept.isEmpty else { return }
      unsafe departed = kept.filter { !$0.lock.isHeld }
      unsafe kept.removeAll { storage in departed.contains { $0 === storage } }
    }
    _ = departed
  }
}

extension InterruptLock {
  /// Whether some thread holds it at this moment. What the holder did is visible once nobody does.
  package var isHeld: Bool { unsafe cuio_lock_is_held(raw) }
}
