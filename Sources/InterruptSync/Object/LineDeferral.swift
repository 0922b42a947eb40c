// Room Object: a line that stays masked after its interrupt until another process has serviced it.
// The daemon's Attachment calls it: `deferLine` in its service routine, on the serving thread under
// the interrupt lock; `releaseLine` on the control thread at PASSIVE_LEVEL without it. Releasing
// takes the lock for the re-arm, so that no dispatch runs meanwhile.
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
  /// - Returns: whether it was deferred. False also when the object was disconnected meanwhile, or
  ///   connected again: that line is not touched.
  /// - Throws: `wouldDeadlock`, `wrongLevel`; what the line's re-arm failed with. The line is still
  ///   deferred then, and releasing it again tries again.
  @discardableResult package func releaseLine() throws(InterruptSyncError) -> Bool {
    try storage.requirePassive("release the line")
    // It keeps its source, and with it the line.
    guard let connection = storage.monitor.locked({ storage.server?.connection }) else {
      return false
    }
    return try storage.release(connection)
  }
}

extension SyncStorage {
  /// Another thread may have ended the connection since the caller looked, and begun one whose line
  /// is deferred, too.
  func release(_ connection: Connection) throws(InterruptSyncError) -> Bool {
    var wasDeferred = false
    let failure = holdingLock { () -> Int32 in
      guard unsafe core.value.connection == connection.stop.pointer else { return 0 }
      wasDeferred = core.value.masked.contains(.deferred)
      guard wasDeferred else { return 0 }
      core.value.masked = core.value.masked.subtracting(.deferred)
      guard unsafe rearmAgain(core, connection.line) & Outcome.rearmFailed != 0 else { return 0 }
      core.value.masked = core.value.masked.union(.deferred)
      return core.value.rearmError
    }
    guard failure == 0 else { throw connection.source.failure(.rearm, errno: -failure) }
    return wasDeferred
  }
}
