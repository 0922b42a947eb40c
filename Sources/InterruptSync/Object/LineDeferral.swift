// Room Object: a line that stays masked after its interrupt until another process has serviced it.
// A service routine that hands the interrupt on calls the first half under the interrupt lock;
// another thread releases the line at PASSIVE_LEVEL, outside of the routines.
import CUIO
import LinuxSystem

extension InterruptSyncObject {
  /// Leaves the line masked at the end of this dispatch, and until `releaseLine()` or the next
  /// connect.
  ///
  /// From inside one of the object's routines only. A line without a mask (`RearmStrategy.none`,
  /// software, eventfd) goes on interrupting.
  package func deferLine() {
    guard lock.isHeldByCaller else { return }
    storage.core.value.masked = storage.core.value.masked.union(.deferred)
  }

  /// Whether the line's re-arm is deferred. Any thread, any level.
  package var isLineDeferred: Bool {
    storage.holdingLock { storage.core.value.masked.contains(.deferred) }
  }

  /// Re-arms a line that was deferred, unless the storm brake or a disconnect keeps it masked.
  ///
  /// PASSIVE_LEVEL, outside of the object's routines.
  /// - Returns: whether it was deferred.
  /// - Throws: `wouldDeadlock`, `wrongLevel`; what the line's re-arm failed with, and then the line
  ///   is not deferred any more but still masked.
  @discardableResult package func releaseLine() throws(InterruptSyncError) -> Bool {
    try storage.requirePassive("release the line")
    // The connection keeps its source, and with it the line.
    let connection = storage.monitor.locked { storage.server?.connection }
    var wasDeferred = false
    let failure = storage.holdingLock { () -> Int32 in
      let core = storage.core
      wasDeferred = core.value.masked.contains(.deferred)
      core.value.masked = core.value.masked.subtracting(.deferred)
      guard wasDeferred, let connection else { return 0 }
      return unsafe rearmIfUnmasked(core, connection.line) == 0 ? 0 : core.value.rearmError
    }
    if failure != 0, let connection {
      throw connection.source.failure(.rearm, errno: -failure)
    }
    return wasDeferred
  }
}
