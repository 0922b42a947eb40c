// Room Object: what an object keeps besides its line's service: the list of routines, the phase of
// its life, its observers. The other files of the room call it, mostly on the caller's thread;
// Interrupt (room Swift) sets `attachment`, and Connection calls `reportForMembers` on the serving
// thread. The interrupt lock guards the list that a dispatch walks, registering its changes, the
// monitor the rest; take them in the order registering, interrupt lock, monitor. Apart from
// `InterruptSyncObject`, because the serving thread keeps it too: the last reference may be
// released inside a routine (N12).
import CUIO
import Glibc
import LinuxSystem
import Synchronization

@safe final class SyncStorage: ServedLine, @unchecked Sendable {
  let options: InterruptSyncOptions
  /// What the routines' contexts point into, for surfaces that own it: it lives as long as any
  /// dispatcher may still call one. Set once, before the first routine is registered.
  var attachment: AnyObject?
  /// The values captured for the records are the line's. Guarded by the interrupt lock.
  var recordsLine = false
  /// Where the line says when what it read happened. Guarded by the interrupt lock; the dispatches
  /// of the connection alone look there.
  var lineCause: UnsafePointer<UInt64>?
  /// Makes changes of the list one after the other. Ordinary code only; taken before the interrupt
  /// lock.
  let registering = Monitor()
  /// The generation of the process that made it, or took it over from one that had ended.
  let owner = Atomic<UInt32>(ProcessOwner().generation)
  /// It was taken over, and its thread has stayed behind: until the next connect or disconnect.
  let hasLostThread = Atomic<Bool>(false)
  /// Guards what follows. Taken at any level, so nothing is waited for or acquired while it is
  /// held.
  let monitor = Monitor()
  var registrations: [ServiceRoutineRegistration] = []
  /// Made with the first observer.
  private var observed: RecordSource?
  /// Made once, where histograms are kept.
  var times: LineTimes?
  var source: any InterruptSource
  var phase = Phase.disconnected
  var server: (any LineServer)?
  /// Connections that have ended while their serving thread was inside the report handler.
  var departing: [Connection] = []
  /// Changes with every disconnect, which is what makes old interrupt handles stale (N14).
  let generation = Atomic<Int>(0)

  enum Phase { case disconnected, connecting, connected, disconnecting }

  init(
    name: String, source: any InterruptSource, mode: InterruptSyncMode, lock: InterruptLock,
    options: InterruptSyncOptions
  ) {
    self.source = source
    self.options = options
    let core = unsafe SyncCore(
      entry: cuio_entry(lock: lock.raw, object: nil, calls: 0), mode: mode,
      acceptsAnySuccess: options.acceptsAnySuccess,
      repeatLimit: options.repeatLimit == 0 ? .max : options.repeatLimit,
      stormLimit: options.storm.limit, stormWindow: linux_nanoseconds_to_ticks(100_000_000),
      stormSpan: linux_nanoseconds_to_ticks(1_000_000_000))
    super.init(
      name: name, lock: lock, core: core, storm: options.storm, attributes: options.dispatcher,
      report: options.report)
    if options.histograms { keepTimes() }
  }

  override func reportForMembers(_ reporting: (() -> Void) -> Void) {
    let members = monitor.locked { registrations.compactMap { $0.owned as? any ReportingMember } }
    for member in members { member.report(through: reporting) }
  }

  /// Hands the records of dispatches from now on to `observer`, until the observation is released.
  /// Any thread, any level; takes no lock that a routine can hold.
  /// - Throws: `resourcesExhausted`.
  func observe(_ observer: any DispatchObserver) throws(InterruptSyncError) -> DispatchObservation {
    let source = monitor.locked {
      let source = observed ?? RecordSource(core, thread: .shared)
      observed = source
      return source
    }
    do throws(SystemError) { return try DispatchObservation(of: source, by: observer) } catch {
      throw InterruptSyncError(
        .resourcesExhausted, object: name, operation: "observe interrupts",
        cause: "cannot start the observers' thread",
        hint: "raise the limit (systemd: TasksMax=, LimitNOFILE=)", errno: error.number)
    }
  }

  /// The observers get what has been recorded, and then the end.
  func endObservations() { monitor.locked { observed }?.end() }

  /// Takes out what was cancelled from inside a routine. From a thread that does not hold the
  /// interrupt lock.
  func purgeCancelled() {
    // Released after both locks: what a routine owns ends with it, perhaps the object itself.
    var gone: [ServiceRoutineRegistration] = []
    registering.locked {
      let all = monitor.locked { registrations }
      holdingLock {
        for registration in all where registration.node.value.isCancelled {
          core.unlink(registration.node)
          registration.isUnlinked = true
        }
      }
      gone = all.filter(\.isUnlinked)
      if !gone.isEmpty { monitor.locked { registrations.removeAll(where: \.isUnlinked) } }
    }
    withExtendedLifetime(gone) {}
  }

  /// The check before every call that belongs to ordinary code (4.6, N4, N23).
  func requirePassive(_ operation: String) throws(InterruptSyncError) {
    try requireOwnProcess(operation)
    guard lock.isHeldByCaller || InterruptLevel.current > .passive else { return }
    if lock.isHeldByCaller { throw Verifier.violation(wouldDeadlock(operation)) }
    throw Verifier.violation(
      InterruptSyncError(
        .wrongLevel, object: name, operation: operation,
        cause: "called at \(InterruptLevel.current); the call belongs at PASSIVE_LEVEL",
        hint:
          "call it from an ordinary thread, outside of service, synchronized and deferred routines")
    )
  }

  /// - Throws: `lockOwnerDied` after a thread ended inside a routine.
  func requireConsistency(_ operation: String) throws(InterruptSyncError) {
    guard lock.isConsistent else { throw refused(-EOWNERDEAD, operation) }
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
}

/// A routine in an object's list, and the means to take it out again (N8).
///
/// The list keeps the registration alive: drop it if you never cancel.
@safe public final class ServiceRoutineRegistration: @unchecked Sendable {
  let node: Cell<RoutineNode>
  /// Out of the list. Guarded by `registering`.
  var isUnlinked = false
  private weak var storage: SyncStorage?
  /// What the context points at, where the registration made it.
  let owned: AnyObject?

  init(
    _ routine: cuio_routine, context: UnsafeMutableRawPointer?, owning owned: AnyObject?,
    storage: SyncStorage
  ) {
    node = unsafe .allocate(RoutineNode(routine: routine, context: context, next: nil))
    self.storage = storage
    self.owned = owned
  }

  deinit { node.free() }

  /// Calls that have returned, and claims, so far. Any thread, any level.
  public var statistics: ServiceRoutineStatistics {
    let claims = Counter.read(&node.value.claims)
    let refusals = Counter.read(&node.value.refusals)
    return ServiceRoutineStatistics(calls: claims &+ refusals, claims: claims)
  }

  /// Takes the routine out of the list. When this returns the routine is not running, unless the
  /// caller is inside it, and will not be called again. Cancelling twice does nothing.
  ///
  /// Any thread and level up to DIRQL; from inside a routine of the object the entry is passed over
  /// from now on and leaves the list with the next registration, cancellation or disconnect.
  public func cancel() {
    guard let storage, storage.isOwnProcess else { return }
    if storage.lock.isHeldByCaller {
      node.value.isCancelled = true
      return
    }
    storage.holdingLock { node.value.isCancelled = true }
    storage.purgeCancelled()
  }
}

/// Counters of one registration.
public struct ServiceRoutineStatistics: Equatable, Sendable {
  /// Times the routine ran; mode repeat counts each pass (P17).
  public var calls: UInt64
  /// Times it claimed the interrupt (P19).
  public var claims: UInt64

  package init(calls: UInt64, claims: UInt64) {
    self.calls = calls
    self.claims = claims
  }
}

/// Storages of objects whose last reference was released inside one of their own routines. The
/// caller of that routine has still to leave the interrupt lock, so they are kept until it has.
enum DeferredReclamation {
  private static let monitor = Monitor()
  nonisolated(unsafe) private static var kept: [SyncStorage] = []

  static func keep(_ storage: SyncStorage) {
    monitor.locked { unsafe kept.append(storage) }
  }

  /// Releases those that no thread is inside of any more. With each object that is made or ends.
  static func reap() {
    // Released after the monitor, as the code that a release runs is not known here.
    var removed: [SyncStorage] = []
    monitor.locked {
      guard unsafe !kept.isEmpty else { return }
      unsafe removed = kept.filter { !$0.lock.isLocked }
      unsafe kept.removeAll { storage in removed.contains { $0 === storage } }
    }
    _ = removed
  }
}
