// Room Object: the life of an object: connect, disconnect, and the last release. Drivers call it
// through `Interrupt`, the C and Windows layers and the daemon directly, and SharedLine for its
// hub: on the caller's thread at PASSIVE_LEVEL, without the interrupt lock, which it takes for
// moments. The last release comes on any thread, at any level, perhaps inside one of the object's
// own routines. The monitor guards the phase; never wait for the serving thread or the interrupt
// lock with it held.
import CUIO
import Synchronization
import UIO

extension InterruptSyncObject {
  /// Connects to the line the object was made with or connected to last (P21). Service routines may
  /// run before this returns (P22).
  ///
  /// PASSIVE_LEVEL.
  /// - Throws: `wouldDeadlock`, `wrongLevel`, `alreadyConnected` (the connection stays as it is,
  ///   N9), `noServiceRoutines`, `lineBusy`, `removed`, `lineFailed`, `resourcesExhausted`,
  ///   `lockOwnerDied` (a thread ended inside a routine: `InterruptLock.repair(_:)`),
  ///   `otherProcess` (in a forked child whose parent lives).
  public func connect() throws(InterruptSyncError) {
    storage.reportRefusals(try storage.connect(to: nil, waiting: true))
  }

  /// Connects to another line, for instance to the new instance of a device that was replugged. The
  /// list of routines, the lock and the statistics stay (P24, N13).
  ///
  /// Level and errors as `connect()`.
  public func connect(to source: any InterruptSource) throws(InterruptSyncError) {
    storage.reportRefusals(try storage.connect(to: source, waiting: true))
  }

  /// Masks the line, waits until no routine runs, and ends the dispatcher thread. When this returns
  /// no service routine is running and none will start (N11). The list stays (P24). Does nothing on
  /// an object that is not connected (P26). Does not wait for a next interrupt.
  ///
  /// From an ordinary thread it waits for a report handler of the object that is running, too. From
  /// a report handler, of this object or of any other, it does not: no dispatcher waits for another
  /// one's end, so that handlers may disconnect each other's objects.
  ///
  /// PASSIVE_LEVEL.
  /// - Throws: `wouldDeadlock` from inside one of the object's routines, `wrongLevel`.
  public func disconnect() throws(InterruptSyncError) {
    try storage.requirePassive("disconnect")
    try storage.requireFreeGroup("disconnect")
    storage.disconnect(waiting: true)
  }

  /// Re-arms a line that a storm left masked (`StormPolicy.Action.stayMasked`), or ends a pause
  /// early. Any thread.
  public func resumeAfterStorm() {
    guard storage.isOwnProcess else { return }
    storage.monitor.locked { storage.server }?.resumeAfterStorm()
  }

  /// Changes at least once a second as long as the dispatcher's thread makes progress, not while it
  /// is stuck in a routine or waits for the lock; nil while no thread reads the line. Any thread.
  package var heartbeat: UInt64? {
    guard storage.isOwnProcess else { return nil }
    let beats = storage.monitor.locked {
      let server = storage.phase == .connected ? storage.server : nil
      return server?.connection.hasEnded == false ? server?.beat : nil
    }
    return beats.map { $0 &+ dispatchCount }
  }

  /// Processor time of the dispatcher's thread, in nanoseconds; nil while not connected.
  package var dispatcherCPUTime: Int64? {
    guard storage.isOwnProcess else { return nil }
    // Under the monitor, so that the thread is not joined meanwhile.
    return storage.monitor.locked { storage.phase == .connected ? storage.server?.cpuTime : nil }
  }
}

extension SyncStorage {
  /// - Parameter waiting: whether an ordinary thread waits for the report handler of the connection
  ///   before, if that has ended.
  /// - Returns: what stands now. The caller passes it to `reportRefusals` as soon as a handler may
  ///   connect and disconnect.
  func connect(to newSource: (any InterruptSource)?, waiting: Bool) throws(InterruptSyncError)
    -> Connection
  {
    try requirePassive("connect")
    try requireOwnGroup("connect")
    try requireFreeGroup("connect")
    clearEnded(waiting: waiting)
    try requireConsistency("connect")
    let source = try beginConnecting(newSource)
    do throws(InterruptSyncError) {
      ProcessEnd.watch(self)
      let server = try start(on: source)
      monitor.locked {
        self.server = server
        self.source = source
        phase = .connected
        hasLostThread.store(false, ordering: .releasing)
        monitor.broadcast()
      }
      // For this, reports wait.
      server.connection.setStage(.standing)
      return server.connection
    } catch {
      ProcessEnd.forget(self)
      monitor.locked {
        phase = .disconnected
        monitor.broadcast()
      }
      throw error
    }
  }

  /// Attributes that the system refused. On the connecting thread, without a lock.
  func reportRefusals(_ connection: Connection) {
    for refusal in connection.refusals { report(refusal) }
  }

  /// A line that has ended counts as connected until a disconnect clears it away; connecting again
  /// does that, to this very connection: another thread may have made the next one meanwhile (N9).
  private func clearEnded(waiting: Bool) {
    let ended = monitor.locked { () -> (any LineServer)? in
      phase == .connected && server?.connection.hasEnded == true ? server : nil
    }
    if let ended { disconnect(only: ended, waiting: waiting) }
  }

  private func beginConnecting(_ newSource: (any InterruptSource)?) throws(InterruptSyncError)
    -> any InterruptSource
  {
    purgeCancelled()
    return try monitor.locked { () throws(InterruptSyncError) in
      awaitPhase()
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
      let activity = options.group?.worker.activity ?? ServingActivity()
      let connection = Connection(self, source: source, line: line, activity: activity)
      let server: any LineServer =
        if let group = options.group {
          GroupMember(connection, worker: group.worker, keeping: group)
        } else {
          try DispatcherThread(connection)
        }
      holdingLock {
        core.value.masked = []
        unsafe core.value.connection = unsafe connection.stop.pointer
        // A kick is no interrupt; the first one that no routine claims is the first of a row.
        core.value.unclaimedInARow = line.isKicked ? .max : 0
        core.value.turnsLeft = 1
        core.value.lastEnd = 0
        record(line)
        time(line)
      }
      let isPending =
        cuio_wait(unsafe line.raw.pointee.fd, -1, 0, false) == Int32(CUIO_WAIT_READABLE)
      try server.start()
      if isPending { return server }
      let failure = holdingLock {
        unsafe rearmAgain(core, line.raw) & Outcome.rearmFailed == 0 ? 0 : core.value.rearmError
      }
      guard failure == 0 else {
        connection.setStage(.over)
        stop(server)
        server.quiesce()
        server.finish(waiting: mayAwaitHandlers)
        throw source.failure(.rearm, errno: -failure)
      }
      return server
    } catch {
      source.detach()
      throw error
    }
  }

  /// Another thread's connect or disconnect is under way; neither waits for a report handler, so
  /// that a handler may wait for either. With the monitor held.
  private func awaitPhase() {
    monitor.wait { phase == .connecting || phase == .disconnecting }
  }

  /// - Parameters:
  ///   - only: the connection that is meant; nil means whichever there is.
  ///   - waiting: whether an ordinary thread waits for report handlers.
  func disconnect(only: (any LineServer)? = nil, waiting: Bool) {
    hasLostThread.store(false, ordering: .releasing)
    let server = monitor.locked { () -> (any LineServer)? in
      awaitPhase()
      guard phase == .connected, only == nil || only === self.server else { return nil }
      phase = .disconnecting
      return self.server
    }
    let waits = waiting && mayAwaitHandlers
    if let server {
      stop(server)
      server.quiesce()
      // Read no more: the next connection may have it, one that a handler makes included.
      server.connection.source.detach()
      finishDisconnecting(server)
      server.finish(waiting: waits)
    }
    // Also of a disconnect on another thread, which may still be waiting for it.
    if waits { awaitDeparting() }
  }

  /// Masks, forbids re-arming, and tells the serving thread to leave (N11).
  private func stop(_ server: any LineServer) {
    holdingLock {
      core.value.masked = core.value.masked.union(.disconnected)
      unsafe core.value.connection = nil
      server.connection.maskLine()
    }
    server.requestStop()
  }

  private func finishDisconnecting(_ server: any LineServer) {
    generation.add(1, ordering: .acquiringAndReleasing)
    ProcessEnd.forget(self)
    monitor.locked {
      self.server = nil
      departing.removeAll(where: \.hasLeft)
      if !server.connection.hasLeft { departing.append(server.connection) }
      phase = .disconnected
      monitor.broadcast()
    }
    // Inside a routine the walk stands on one of the entries; then they go with the storage.
    if !lock.isHeldByCaller { purgeCancelled() }
  }

  /// Whether the caller may wait until a report handler returns. A serving thread may not: it could
  /// be inside a handler that the other one is waiting for.
  var mayAwaitHandlers: Bool {
    InterruptLevel.current == .passive && !cuio_thread_serves()
  }

  /// Waits for the report handlers of connections that have ended.
  func awaitDeparting() {
    guard mayAwaitHandlers else { return }
    for connection in monitor.locked({ departing }) { connection.awaitLeft() }
    monitor.locked { departing.removeAll(where: \.hasLeft) }
  }

  /// No thread will wait for them. Each keeps this storage.
  func forgetDeparting() { monitor.locked { departing.removeAll() } }

  /// The last reference to the object has gone (N12).
  func abandon() {
    // In a forked child the line, the thread and the watchers are the parent's: memory alone goes.
    guard isOwnProcess else { return }
    defer { endObservations() }
    DeferredReclamation.reap()
    // Inside a routine nothing may be waited for: the serving thread may want the very lock that
    // the caller holds.
    let canWait =
      !lock.isHeldByCaller && InterruptLevel.current < .device
      && options.group?.isHeldUpByCaller != true
    canWait ? disconnect(waiting: true) : abandonInRoutine()
    forgetDeparting()
  }

  /// The serving thread leaves later, without calling another routine, and gives the line back.
  private func abandonInRoutine() {
    let server = monitor.locked { phase == .connected ? self.server : nil }
    // A serving thread inside one of the routines keeps the storage itself.
    if lock.isHeldByCaller, server?.isCurrentThread != true { DeferredReclamation.keep(self) }
    let all = monitor.locked { registrations }
    holdingLock {
      for registration in all { registration.node.value.isCancelled = true }
    }
    guard let server else { return }
    stop(server)
    server.connection.detachWhenBothEnded()
    finishDisconnecting(server)
    server.finish(waiting: false)
  }
}
