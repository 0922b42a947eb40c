// One line of a group as its thread works on it: plain memory, so that nothing counts references on
// the way from the count to the re-arm.
import CUIO
import Glibc

/// Only the group's thread uses it, once it is in the poller.
@safe struct GroupSlot {
  let core: UnsafeMutablePointer<SyncCore>
  let line: UnsafeMutablePointer<cuio_line>
  let stop: UnsafeMutablePointer<UInt32>
  /// A read takes all there is, so that the poller tells of what comes after it.
  let takesAll: Bool
  /// Keeps the member, and with it all of the above.
  let member: Unmanaged<GroupMember>

  /// Its descriptor is in the poller.
  var isListening = true
  /// The descriptor has ended; what the next read does not explain is the end as well.
  var isDead = false
  /// Its member is in the list of the group's troubled ones.
  var isTroubled = false
  /// To be read again in the next round.
  var isQueued = false
  var next: UnsafeMutablePointer<GroupSlot>?
}

/// Reads one line and dispatches what there is.
///
/// - Parameter last: when the thread's last dispatch let go of its lock, if nothing but reads was in
///   between; else 0. Set to when this one did.
/// - Returns: the outcome of the dispatch, or what `cuio_line_read` answered instead of a count.
@_noLocks @inline(never)
func serveSlot(_ slot: UnsafeMutablePointer<GroupSlot>, _ last: UnsafeMutablePointer<UInt64>)
  -> Int32
{
  let line = unsafe slot.pointee.line
  let core = unsafe slot.pointee.core
  var delta: UInt64 = 0
  let result = unsafe cuio_line_read(line, &delta)
  if result != 0 { return result }
  unsafe core.pointee.lastEnd = last.pointee
  let outcome = unsafe dispatchInterrupt(core, line, delta)
  unsafe last.pointee = core.pointee.lastEnd
  cuio_thread_left_lock()
  return outcome
}
