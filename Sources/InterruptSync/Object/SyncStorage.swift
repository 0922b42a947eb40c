// Room Object: what an object keeps besides its line's service: the list of routines, the phase of
// its life, those who watch. Apart from `InterruptSyncObject`, because the serving thread keeps it
// too: the object's last reference may be released inside one of its own routines (N12).
import CUIO
import LinuxSystem
import Synchronization

@safe final class SyncStorage: ServedLine, @unchecked Sendable {
  /// What the routines' contexts point into, for surfaces that own it: it lives as long as any
  /// dispatcher may still call one. Set once, before the first routine is registered.
  var attachment: AnyObject?
  /// Makes changes of the list one after the other. Ordinary code only; taken before the interrupt
  /// lock.
  let registering = Monitor()
  /// Guards what follows. Taken at any level, so nothing is waited for or acquired while it is
  /// held.
  let monitor = Monitor()
  var registrations: [ServiceRoutineRegistration] = []
  var watchers: [any EventWatcher] = []
  var source: any InterruptSource
  var phase = Phase.disconnected
  var server: (any LineServer)?
  /// Changes with every disconnect, which is what makes old interrupt handles stale (N14).
  let generation = Atomic<Int>(0)

  enum Phase { case disconnected, connecting, connected, disconnecting }

  init(
    name: String, source: any InterruptSource, mode: InterruptSyncMode, lock: InterruptLock,
    options: InterruptSyncOptions
  ) {
    self.source = source
    super.init(name: name, mode: mode, lock: lock, options: options)
  }

  /// The check before every call that belongs to ordinary code (4.6, N4, N23).
  func requirePassive(_ operation: String) throws(InterruptSyncError) {
    guard lock.isHeldByCaller || InterruptLevel.current > .passive else { return }
    if lock.isHeldByCaller { throw Verifier.violation(wouldDeadlock(operation)) }
    throw Verifier.violation(
      InterruptSyncError(
        .wrongLevel, object: name, operation: operation,
        cause: "called at \(InterruptLevel.current); the call belongs at PASSIVE_LEVEL",
        hint:
          "call it from an ordinary thread, outside of service, synchronized and deferred routines")
    )
  }

  /// Throws `wouldDeadlock` where the group's thread may be waiting for the caller.
  func requireFreeGroup(_ operation: String) throws(InterruptSyncError) {
    guard let group = options.group, group.isHeldUpByCaller else { return }
    throw Verifier.violation(
      InterruptSyncError(
        .wouldDeadlock, object: name, operation: operation,
        cause: "the calling thread is inside a routine of another object of the same group",
        hint: "call it outside of all routines"))
  }
}

/// Takes the events of an object's dispatches out of a ring.
protocol EventWatcher: AnyObject, Sendable {
  /// No event will come any more. Any thread, any level.
  func finish()
}

/// Storages of objects whose last reference was released inside one of their own routines. The
/// caller of that routine has still to leave the interrupt lock, so they are kept until it has.
enum DeferredReclamation {
  private static let monitor = Monitor()
  nonisolated(unsafe) private static var kept: [SyncStorage] = []

  static func keep(_ storage: SyncStorage) {
    monitor.locked { unsafe kept.append(storage) }
  }

  /// Releases those that no thread is inside of any more. With each object that is made or ends.
  static func reap() {
    // Released after the monitor, as the code that a release runs is not known here.
    var removed: [SyncStorage] = []
    monitor.locked {
      guard unsafe !kept.isEmpty else { return }
      unsafe removed = kept.filter { !$0.lock.isLocked }
      unsafe kept.removeAll { storage in removed.contains { $0 === storage } }
    }
    _ = removed
  }
}
