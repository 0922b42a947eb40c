// Room Object: the life of an object: connect, disconnect, and the last release. Connect and
// disconnect run on the caller's thread at PASSIVE_LEVEL without the interrupt lock; the last
// release comes on any thread, at any level, perhaps inside one of the object's own routines.
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

  /// Masks the line, waits until no routine runs, and ends the dispatcher thread. When this returns
  /// no service routine is running and none will start (N11). The list stays (P24). Does nothing on
  /// an object that is not connected (P26). Does not wait for a next interrupt.
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
    storage.monitor.locked { storage.server }?.resumeAfterStorm()
  }

  /// Changes at least once a second as long as the dispatcher's thread makes progress, not while it
  /// is stuck in a routine or waits for the lock; nil while no thread reads the line. Any thread.
  package var heartbeat: UInt64? {
    let beats = storage.monitor.locked {
      let server = storage.phase == .connected ? storage.server : nil
      return server?.connection.hasEnded == false ? server?.beat : nil
    }
    return beats.map { $0 &+ dispatchCount }
  }

  /// Processor time of the dispatcher's thread, in nanoseconds; nil while not connected.
  package var dispatcherCPUTime: Int64? {
    // Under the monitor, so that the thread is not joined meanwhile.
    storage.monitor.locked { storage.phase == .connected ? storage.server?.cpuTime : nil }
  }
}

extension SyncStorage {
  func connect(to newSource: (any InterruptSource)?) throws(InterruptSyncError) {
    try requirePassive("connect")
    try requireFreeGroup("connect")
    let source = try beginConnecting(newSource)
    do throws(InterruptSyncError) {
      let server = try start(on: source)
      monitor.locked {
        self.server = server
        self.source = source
        phase = .connected
        monitor.broadcast()
      }
      // For this, reports wait.
      server.connection.setStage(.standing)
      for refusal in server.connection.refusals { report(refusal) }
    } catch {
      monitor.locked {
        phase = .disconnected
        monitor.broadcast()
      }
      throw error
    }
  }

  /// Whether the calling thread is the one that serves the object, which cannot wait for itself.
  /// With the monitor held.
  private var isServingThread: Bool {
    server?.isCurrentThread == true || options.group?.isCurrentThread == true
  }

  private func beginConnecting(_ newSource: (any InterruptSource)?) throws(InterruptSyncError)
    -> any InterruptSource
  {
    // A line that has ended counts as connected until a disconnect clears it away; connecting again
    // does that.
    let hasEnded = monitor.locked { phase == .connected && server?.connection.hasEnded == true }
    if hasEnded { disconnect() }
    purgeCancelled()
    return try monitor.locked { () throws(InterruptSyncError) in
      monitor.wait {
        (phase == .connecting || phase == .disconnecting) && !isServingThread
      }
      guard phase == .disconnected else {
        throw InterruptSyncError(
          .alreadyConnected, object: name, operation: "connect",
          cause: "the object is connected already",
          hint: "disconnect it first; the current connection is unchanged")
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
  private func start(on source: any InterruptSource) throws(InterruptSyncError) -> any LineServer {
    let line = try source.attach()
    do throws(InterruptSyncError) {
      let connection = Connection(self, source: source, line: line)
      let server: any LineServer =
        if let group = options.group {
          GroupMember(connection, worker: group.worker, keeping: group)
        } else {
          try DispatcherThread(connection)
        }
      holdingLock {
        core.value.masked = []
        core.value.unclaimedInARow = 0
        core.value.lastEnd = 0
      }
      let isPending =
        cuio_wait(unsafe line.raw.pointee.fd, -1, 0, false) == Int32(CUIO_WAIT_READABLE)
      try server.start()
      if isPending { return server }
      let failure = holdingLock {
        unsafe rearmIfUnmasked(core, line.raw) == 0 ? 0 : core.value.rearmError
      }
      guard failure == 0 else {
        connection.setStage(.failed)
        stop(server, waiting: true)
        throw source.failure(.rearm, errno: -failure)
      }
      return server
    } catch {
      source.detach()
      throw error
    }
  }

  func disconnect() {
    let server: (any LineServer)? = monitor.locked {
      monitor.wait { (phase == .connecting || phase == .disconnecting) && !isServingThread }
      guard phase == .connected else { return nil }
      phase = .disconnecting
      return self.server
    }
    guard let server else { return }
    stop(server, waiting: !server.isCurrentThread)
    finishDisconnecting(server)
  }

  /// Masks, forbids re-arming, wakes and waits (N11).
  private func stop(_ server: any LineServer, waiting: Bool) {
    holdingLock {
      core.value.masked = core.value.masked.union(.disconnected)
      server.connection.maskLine()
    }
    server.requestStop()
    server.finish(waiting: waiting)
  }

  private func finishDisconnecting(_ server: any LineServer) {
    server.giveLineBack()
    generation.add(1, ordering: .acquiringAndReleasing)
    monitor.locked {
      self.server = nil
      phase = .disconnected
      monitor.broadcast()
    }
    // Inside a routine the walk stands on one of the entries; then they go with the storage.
    if !lock.isHeldByCaller { purgeCancelled() }
  }

  /// The last reference to the object has gone. Inside one of its own routines the caller cannot
  /// wait: the serving thread leaves later, without calling another routine (N12).
  func abandon() {
    defer { endObservations() }
    // A group's thread may be waiting for the lock of the very routine that
    // releases the object.
    let canWait =
      !lock.isHeldByCaller && (options.group == nil || InterruptLevel.current == .passive)
    let server = monitor.locked { phase == .connected ? self.server : nil }
    DeferredReclamation.reap()
    if !canWait {
      // A serving thread inside one of the routines keeps the storage itself.
      if server?.isCurrentThread != true { DeferredReclamation.keep(self) }
      let all = monitor.locked { registrations }
      holdingLock {
        for registration in all { registration.node.value.isCancelled = true }
      }
    }
    guard let server else { return }
    stop(server, waiting: canWait && !server.isCurrentThread)
    finishDisconnecting(server)
  }
}
