import CUIO
import Synchronization
import UIO

extension InterruptSyncObject {
  /// Connects to the line the object was made with or connected to last (P21). Service routines may
  /// run before this returns (P22).
  ///
  /// PASSIVE_LEVEL.
  /// - Throws: `wouldDeadlock`, `wrongLevel`, `alreadyConnected` (the connection stays as it is,
  ///   N9), `noServiceRoutines`, `lineBusy`, `removed`, `lineFailed`, `resourcesExhausted`.
  public func connect() throws(InterruptSyncError) { try storage.connect(to: nil) }

  /// Connects to another line, for instance to the new instance of a device that was replugged. The
  /// list of routines, the lock and the statistics stay (P24, N13).
  ///
  /// Level and errors as `connect()`.
  public func connect(to source: any InterruptSource) throws(InterruptSyncError) {
    try storage.connect(to: source)
  }

  /// Masks the line, waits until no routine runs, and ends the dispatcher. When this returns no
  /// service routine is running and none will start (N11). The list stays (P24). Does nothing on an
  /// object that is not connected (P26). Does not wait for a next interrupt.
  ///
  /// PASSIVE_LEVEL. From the object's own report handler it returns without waiting for that very
  /// thread.
  /// - Throws: `wouldDeadlock` from inside one of the object's routines, `wrongLevel`.
  public func disconnect() throws(InterruptSyncError) {
    try storage.requirePassive("disconnect")
    try storage.requireFreeGroup("disconnect")
    storage.disconnect()
  }

  /// Re-arms a line that a storm left masked (`StormPolicy.Action.stayMasked`), or ends a pause
  /// early. Any thread.
  public func resumeAfterStorm() {
    storage.monitor.locked { storage.dispatcher }?.resumeAfterStorm()
  }

  /// Changes at least once a second as long as the dispatcher's thread makes progress, not while it
  /// is stuck in a routine or waits for the lock; nil while no thread reads the line. Any thread.
  package var heartbeat: UInt64? {
    let beats = storage.monitor.locked {
      let dispatcher = storage.phase == .connected ? storage.dispatcher : nil
      return dispatcher?.hasEnded == false ? dispatcher?.beat : nil
    }
    return beats.map { $0 &+ dispatchCount }
  }

  /// Processor time of the dispatcher's thread, in nanoseconds; nil while not connected.
  package var dispatcherCPUTime: Int64? {
    // Under the monitor, so that the thread is not joined meanwhile.
    storage.monitor.locked { storage.phase == .connected ? storage.dispatcher?.cpuTime : nil }
  }
}

extension SyncStorage {
  func connect(to newSource: (any InterruptSource)?) throws(InterruptSyncError) {
    try requirePassive("connect")
    try requireFreeGroup("connect")
    let source = try beginConnecting(newSource)
    do throws(InterruptSyncError) {
      let dispatcher = try start(on: source)
      monitor.locked {
        self.dispatcher = dispatcher
        self.source = source
        phase = .connected
        monitor.broadcast()
      }
      dispatcher.decide(stands: true)
      for refusal in dispatcher.refusals { report(refusal) }
    } catch {
      monitor.locked {
        phase = .disconnected
        monitor.broadcast()
      }
      throw error
    }
  }

  /// Whether the calling thread is the one that serves the object, for whom nobody could wait. With
  /// the monitor held.
  private var isServingThread: Bool {
    dispatcher?.isCurrentThread == true || options.group?.isCurrentThread == true
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

  private func beginConnecting(_ newSource: (any InterruptSource)?) throws(InterruptSyncError)
    -> any InterruptSource
  {
    // A line that has ended counts as connected until somebody clears it away; connecting again
    // does.
    if monitor.locked({ phase == .connected && dispatcher?.hasEnded == true }) { disconnect() }
    purgeCancelled()
    return try monitor.locked { () throws(InterruptSyncError) in
      monitor.wait {
        (phase == .connecting || phase == .disconnecting) && !isServingThread
      }
      guard phase == .disconnected else {
        throw InterruptSyncError(
          .alreadyConnected, object: name, operation: "connect",
          cause: "the object is connected already",
          hint: "disconnect it first; the present connection was left as it is")
      }
      guard !registrations.isEmpty || options.connectsWithoutRoutines else {
        throw InterruptSyncError(
          .noServiceRoutines, object: name, operation: "connect",
          cause: "no service routine is registered",
          hint: "register one first, or set connectsWithoutRoutines")
      }
      phase = .connecting
      return newSource ?? source
    }
  }

  /// State ready, thread about to wait, and only then unmasked: nothing that fires meanwhile is
  /// lost (N10). With an interrupt waiting already, the dispatcher unmasks when it has serviced it:
  /// unmasked before, the line would fire once more for the same cause.
  private func start(on source: any InterruptSource) throws(InterruptSyncError) -> Connection {
    let line = try source.attach()
    do throws(InterruptSyncError) {
      let dispatcher: Connection =
        if let group = options.group {
          GroupMember(storage: self, source: source, line: line, group: group)
        } else {
          try Dispatcher(self, source: source, line: line)
        }
      holdingLock {
        unsafe core.pointee.isBraked = false
        unsafe core.pointee.isHeld = false
        unsafe core.pointee.unclaimedInARow = 0
        unsafe core.pointee.lastEnd = 0
        unsafe core.pointee.mayRearm = true
      }
      let isPending =
        cuio_wait(unsafe line.raw.pointee.fd, -1, 0, false) == Int32(CUIO_WAIT_READABLE)
      try dispatcher.start()
      if isPending { return dispatcher }
      let failure = holdingLock {
        unsafe rearmLine(core, line.raw) == 0 ? 0 : unsafe core.pointee.rearmError
      }
      guard failure == 0 else {
        dispatcher.decide(stands: false)
        stop(dispatcher, waiting: true)
        throw source.failure(.rearm, errno: -failure)
      }
      return dispatcher
    } catch {
      source.detach()
      throw error
    }
  }

  func disconnect() {
    let dispatcher: Connection? = monitor.locked {
      monitor.wait { (phase == .connecting || phase == .disconnecting) && !isServingThread }
      guard phase == .connected else { return nil }
      phase = .disconnecting
      return self.dispatcher
    }
    guard let dispatcher else { return }
    stop(dispatcher, waiting: !dispatcher.isCurrentThread)
    finishDisconnecting(dispatcher)
  }

  /// Masks, forbids re-arming, wakes and waits (N11).
  private func stop(_ dispatcher: Connection, waiting: Bool) {
    holdingLock {
      unsafe core.pointee.mayRearm = false
      dispatcher.maskLine()
    }
    dispatcher.requestStop()
    dispatcher.finish(waiting: waiting)
  }

  private func finishDisconnecting(_ dispatcher: Connection) {
    dispatcher.giveLineBack()
    generation.add(1, ordering: .acquiringAndReleasing)
    monitor.locked {
      self.dispatcher = nil
      phase = .disconnected
      monitor.broadcast()
    }
    // Inside a routine the walk stands on one of the entries; then they go with the storage.
    if !lock.isHeldByCaller { purgeCancelled() }
  }

  /// The last reference to the object has gone, perhaps inside one of its own routines: then nobody
  /// can wait, and the dispatcher leaves by itself without calling another routine (N12).
  func abandon() {
    for tap in monitor.locked({ taps }) { tap.finish() }
    // A group's thread may be waiting for the lock of the very routine that lets go.
    let canWait =
      !lock.isHeldByCaller && (options.group == nil || InterruptLevel.current == .passive)
    let dispatcher = monitor.locked { phase == .connected ? self.dispatcher : nil }
    DepartedStorages.sweep()
    if !canWait {
      // A dispatcher inside one of the routines keeps the storage by itself.
      if dispatcher?.isCurrentThread != true { DepartedStorages.keep(self) }
      let all = monitor.locked { registrations }
      holdingLock {
        for registration in all { unsafe registration.node.pointee.isCancelled = true }
      }
    }
    guard let dispatcher else { return }
    stop(dispatcher, waiting: canWait && !dispatcher.isCurrentThread)
    finishDisconnecting(dispatcher)
  }
}
