// Room Serving: a connection that a group's thread serves, and its slot, which is what that thread
// works on. LifeCycle makes it at connect and ends it, on the caller's thread without the interrupt
// lock (only `requestStop` may come with it). Once the slot is in the poller only the group's
// thread uses it: GroupThread+Loop calls `serveSlot`, which reads and dispatches under the line's
// interrupt lock. The group's monitor guards who is a member.
import CUIO
import Glibc
import Synchronization
import UIO

@safe final class GroupMember: LineServer, @unchecked Sendable {
  let connection: Connection
  let worker: GroupThread
  /// Lasts as long as one of its lines is connected.
  private let group: AnyObject
  private var affinity: KeptAffinity?
  /// Belongs to the group from `start()` to the member's end.
  var slot: Cell<GroupSlot>?
  /// When, recovering, it has been quiet for long enough, in nanoseconds. Only the group's thread
  /// uses it, as the next; for who else may take the member out see `GroupThread.quiesce`.
  var quietDue: UInt64 = 0
  var isLeaving = false

  init(_ connection: Connection, worker: GroupThread, keeping group: AnyObject) {
    self.connection = connection
    self.worker = worker
    self.group = group
  }

  var isCurrentThread: Bool { worker.isCurrentThread }
  var beat: UInt64 { connection.beats.load(ordering: .relaxed) &+ worker.statistics().rounds }
  var cpuTime: Int64 { worker.cpuTime }

  func start() throws(InterruptSyncError) {
    let name = connection.served.name
    affinity = ThreadPlacement.route(
      worker.attributes, connection.source, named: name,
      report: { self.connection.refusals.append($0) },
      later: { [connection, worker] in
        connection.post($0)
        worker.wakeUp()
      })
    // The thread runs already, and may have an interrupt before this returns.
    connection.setStage(.waiting)
    let slot = unsafe Cell.allocate(
      GroupSlot(
        core: connection.core, line: connection.line, stop: connection.stop,
        takesAll: connection.source.readTakesAll, member: Unmanaged.passRetained(self)))
    self.slot = slot
    let result = worker.add(self, slot)
    guard result == 0 else {
      unsafe Unmanaged.passUnretained(self).release()
      self.slot = nil
      slot.free()
      throw InterruptSyncError(
        .resourcesExhausted, object: name, operation: "connect",
        cause: "the group's thread cannot wait for the line",
        hint: "raise fs.epoll.max_user_watches, or leave out the group",
        errno: -result)
    }
  }

  func wakeUp() { worker.wakeUp() }

  func requestStop() {
    affinity?.end()
    unsafe cuio_flag_raise(connection.stop.pointer)
    worker.leave(self)
  }

  func quiesce() { worker.quiesce(self) }

  func finish(waiting: Bool) { if waiting { connection.awaitLeft() } }
}

/// One line of a group as its thread works on it: plain memory, so that nothing counts references
/// on the way from the count to the re-arm.
@safe struct GroupSlot {
  let core: Cell<SyncCore>
  let line: UnsafeMutablePointer<cuio_line>
  let stop: Cell<UInt32>
  /// A read takes all there is, so that the poller reports what comes after it.
  let takesAll: Bool
  /// Keeps the member, and with it all of the above.
  let member: Unmanaged<GroupMember>

  /// Its descriptor is in the poller.
  var isListening = true
  /// The descriptor has ended; what the next read does not explain is the end as well.
  var isDead = false
  /// Its member is in the group's list of recovering ones.
  var isRecovering = false
  /// To be read again in the next round.
  var isQueued = false
  var next: Cell<GroupSlot>?
}

/// Reads one line and dispatches the count that it finds.
///
/// - Parameter last: when the thread's last dispatch released its lock, if nothing but reads was in
///   between; else 0. Set to when this one did.
/// - Returns: the outcome of the dispatch, or what `cuio_line_read` answered instead of a count.
@_noLocks @inline(never)
func serveSlot(_ slot: Cell<GroupSlot>, _ last: Cell<UInt64>) -> Int32 {
  // Not by `value`: see Dispatch.swift on one file.
  let line = unsafe slot.pointer.pointee.line
  let core = unsafe slot.pointer.pointee.core
  var delta: UInt64 = 0
  let result = unsafe cuio_line_read(line, &delta)
  if result != 0 { return result }
  unsafe core.pointer.pointee.lastEnd = last.pointer.pointee
  let outcome = unsafe dispatchInterrupt(core, line, delta)
  unsafe last.pointer.pointee = core.pointer.pointee.lastEnd
  return outcome
}
