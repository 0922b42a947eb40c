// Room Object: an object and the processes that fork(2) makes. A child has a copy of the object's
// memory, the descriptors of its line, and neither its thread nor the right to the device. Calls
// that need the object's line or thread ask here first, on the caller's thread at any level: no
// lock is taken before that check, as in a child a thread that does not exist may have it. At
// exit(3) ProcessEnd calls `endWithProcess` on the exiting thread, which waits for the interrupt
// lock at most 100 ms.
import CUIO
import LinuxSystem
import Synchronization

extension InterruptSyncObject {
  /// For surfaces that find an object by a handle.
  package func requireOwnProcess(_ operation: String) throws(InterruptSyncError) {
    try storage.requireOwnProcess(operation)
  }
}

extension SyncStorage {
  /// Whether the calling process is the one that the object belongs to.
  var isOwnProcess: Bool { ProcessOwner(generation: owner.load(ordering: .relaxed)).isCurrent }

  /// The check before every call. Where the owner has ended, as after daemon(3), the calling child
  /// takes the object over.
  /// - Throws: `otherProcess`.
  func requireOwnProcess(_ operation: String) throws(InterruptSyncError) {
    let owner = ProcessOwner(generation: owner.load(ordering: .relaxed))
    if owner.isCurrent { return }
    guard owner.hasEnded else { throw otherProcess(operation, owner) }
    takeOver()
  }

  func otherProcess(_ operation: String, _ owner: ProcessOwner) -> InterruptSyncError {
    InterruptSyncError(
      .otherProcess, object: name, operation: operation, cause: owner.cause,
      hint: ProcessOwner.hint)
  }

  /// The object has its list and its statistics, and no thread: it can be connected again.
  private func takeOver() {
    registering.reinitialize()
    monitor.reinitialize()
    lock.adopt()
    let left = monitor.locked { () -> (any LineServer)? in
      let left = server
      server = nil
      departing.removeAll()
      phase = .disconnected
      return left
    }
    generation.add(1, ordering: .acquiringAndReleasing)
    hasLostThread.store(left != nil, ordering: .releasing)
    owner.store(ProcessOwner().generation, ordering: .relaxed)
    left?.connection.source.detach()
  }

  /// A group's thread is its process's.
  func requireOwnGroup(_ operation: String) throws(InterruptSyncError) {
    guard let worker = options.group?.worker, !worker.owner.isCurrent else { return }
    throw InterruptSyncError(
      .otherProcess, object: name, operation: operation,
      cause: "the thread of its group is in \(worker.owner.description)",
      hint: "make the group and its objects again in this process")
  }
}

extension SyncStorage: EndsWithProcess {
  var endsFirst: Bool { true }

  /// The list is as good as empty, and the line masked. A routine that keeps the lock for longer
  /// finds that out when it returns.
  func endWithProcess() {
    guard isOwnProcess else { return }
    let isTaken =
      !lock.isHeldByCaller
      && lock.acquire(withinNanoseconds: Int64(ProcessEnd.patience.inNanoseconds)) == 0
    defer { if isTaken { lock.release() } }
    var next = unsafe core.value.head
    while let node = unsafe next {
      unsafe node.pointee.isCancelled = true
      unsafe next = node.pointee.next
    }
    core.value.masked = core.value.masked.union(.disconnected)
    unsafe core.value.connection = nil
    monitor.locked { server }?.connection.maskLine()
  }
}
