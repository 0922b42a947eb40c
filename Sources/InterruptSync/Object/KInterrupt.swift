// Room Object: an interrupt handle, which outlives its connection and then says so. Drivers take it
// and call through it, and so does the C interface, on their own thread at any level up to DIRQL;
// the routine runs at DIRQL under the object's interrupt lock. Taking one needs the object's
// monitor for a moment.
import CUIO
import LinuxSystem
import Synchronization

/// The interrupt handle that `GetKInterrupt` gives: synchronizes with the object's routines through
/// the same lock (P28, P29). Valid until the connection it came from ends (N14).
@safe public final class KInterrupt: Sendable {
  private let storage: SyncStorage
  private let generation: Int

  init(_ storage: SyncStorage, generation: Int) {
    self.storage = storage
    self.generation = generation
  }

  /// Whether the connection it came from still stands. Any thread, any level.
  public var isValid: Bool { storage.generation.load(ordering: .acquiring) == generation }

  /// A routine that `synchronizeExecution` runs (K3).
  public typealias Routine = @convention(c) (_ context: UnsafeMutableRawPointer?) -> UInt8

  /// KeSynchronizeExecution: runs `routine` under the interrupt lock, in the calling thread (K1,
  /// K4).
  ///
  /// Any level up to DIRQL.
  /// - Returns: the routine's own result (K3).
  /// - Throws: `wouldDeadlock` when the calling thread already holds the lock (N4); `removed` when
  ///   the handle is stale; `lockOwnerDied`. The routine has not run then.
  public func synchronizeExecution(
    _ routine: Routine, context: UnsafeMutableRawPointer?
  ) throws(InterruptSyncError) -> Bool {
    let level = storage.lock.enter()
    guard level >= 0 else { throw storage.refused(level, "KeSynchronizeExecution") }
    defer { storage.lock.leave(level) }
    guard isValid else {
      throw Verifier.violation(
        InterruptSyncError(
          .removed, object: storage.name, operation: "KeSynchronizeExecution",
          cause: "the interrupt was disconnected after this handle was taken",
          hint: "ask the sync object for a new handle after each connect"))
    }
    unsafe Counter.add(&storage.core.value.entry.calls, 1)
    return unsafe routine(context) != 0
  }
}

extension InterruptSyncObject {
  /// The handle of the current connection; nil while there is none (N14). Any thread, any level
  /// (P28).
  public func getKInterrupt() -> KInterrupt? {
    guard storage.isOwnProcess else { return nil }
    return storage.monitor.locked {
      guard storage.phase == .connected else { return nil }
      return KInterrupt(storage, generation: storage.generation.load(ordering: .acquiring))
    }
  }
}
