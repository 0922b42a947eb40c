// A line that stays masked after its interrupt until somebody has serviced it elsewhere: what a
// service routine needs that hands the interrupt to another process.
import CUIO
import LinuxSystem

extension InterruptSyncObject {
  /// Leaves the line masked at the end of this dispatch, and until `releaseLine()` or the next
  /// connect.
  ///
  /// From inside one of the object's routines only. A line without a mask (`RearmStrategy.none`,
  /// software, eventfd) goes on interrupting.
  package func holdLine() {
    guard lock.isHeldByCaller else { return }
    unsafe storage.core.pointee.isHeld = true
  }

  /// Whether the line is held. Any thread, any level.
  package var isLineHeld: Bool { storage.holdingLock { unsafe storage.core.pointee.isHeld } }

  /// Re-arms a line that was held, unless the storm brake or a disconnect keeps it masked.
  ///
  /// PASSIVE_LEVEL, outside of the object's routines.
  /// - Returns: whether it was held.
  /// - Throws: `wouldDeadlock`, `wrongLevel`; what the line's re-arm failed with, and then the line
  ///   is not held any more but still masked.
  @discardableResult package func releaseLine() throws(InterruptSyncError) -> Bool {
    try storage.requirePassive("release the line")
    // The dispatcher keeps its source, and with it the line, for as long as it is referred to.
    let dispatcher = storage.monitor.locked { storage.dispatcher }
    var wasHeld = false
    let failure = storage.holdingLock { () -> Int32 in
      wasHeld = unsafe storage.core.pointee.isHeld
      unsafe storage.core.pointee.isHeld = false
      guard wasHeld, let dispatcher,
        unsafe storage.core.pointee.mayRearm && !storage.core.pointee.isBraked
      else { return 0 }
      return unsafe rearmLine(storage.core, dispatcher.line) == 0
        ? 0 : unsafe storage.core.pointee.rearmError
    }
    if failure != 0, let dispatcher {
      throw dispatcher.source.failure(.rearm, errno: -failure)
    }
    return wasHeld
  }
}
