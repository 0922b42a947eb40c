// A connection that is served by a group's thread.
import CUIO
import UIO

@safe final class GroupMember: Connection, @unchecked Sendable {
  /// Lasts as long as one of its lines is connected.
  let group: DispatcherGroup
  /// What the group's thread works on; belongs to the group from `start()` to the member's end.
  var slot: UnsafeMutablePointer<GroupSlot>?
  /// When, in trouble, it has been quiet for long enough, in nanoseconds. Only the group's thread
  /// uses it, as the next.
  var quietDue: UInt64 = 0
  var isLeaving = false
  /// The group's thread is done with it. Guarded by the group's monitor.
  var hasLeft = false

  init(
    storage: SyncStorage, source: any InterruptSource, line: InterruptLine, group: DispatcherGroup
  ) {
    self.group = group
    super.init(storage: storage, source: source, line: line)
  }

  override var isCurrentThread: Bool { group.isCurrentThread }

  override func start() throws(InterruptSyncError) {
    ThreadPlacement.route(group.attributes, source, named: storage.name) {
      self.refusals.append($0)
    }
    // The thread is there already, and may have an interrupt before this returns.
    stage.locked { current = .waiting }
    let slot = UnsafeMutablePointer<GroupSlot>.allocate(capacity: 1)
    unsafe slot.initialize(
      to: GroupSlot(
        core: core, line: line, stop: stop, takesAll: source.readTakesAll,
        member: Unmanaged.passRetained(self)))
    unsafe self.slot = unsafe slot
    let result = unsafe group.worker.add(self, slot)
    guard result == 0 else {
      unsafe Unmanaged.passUnretained(self).release()
      unsafe self.slot = nil
      unsafe slot.deallocate()
      throw InterruptSyncError(
        .resourcesExhausted, object: storage.name, operation: "connect",
        cause: "its group cannot wait for the line",
        hint: "raise fs.epoll.max_user_watches, or connect it with a thread of its own",
        errno: -result)
    }
  }

  override func wakeUp() { group.worker.wakeUp() }

  override func finish(waiting: Bool) { group.worker.leave(self, waiting: waiting) }

  override var beat: UInt64 { group.statistics().rounds }

  override var cpuTime: Int64 { group.worker.cpuTime }
}
