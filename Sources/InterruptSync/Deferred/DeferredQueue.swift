// Room Deferred: the queue of deferred routines and its thread. Drivers make queues, and so do the
// C and Windows layers and hosted drivers, at PASSIVE_LEVEL. DeferredRoutine queues on any thread
// at any level, also with an interrupt lock held: one exchange, which never waits. Routines run on
// the queue's thread at its level, DISPATCH or PASSIVE, without the interrupt lock. No lock guards
// the list; a monitor guards the start and the pool of eventfds.
import CUIO
import Glibc
import LinuxSystem
import Synchronization

/// Runs deferred routines one after the other, in the order in which they were queued, on a thread
/// of its own.
public final class DeferredQueue: Sendable {
  private let worker: DeferredWorker

  /// Starts the thread.
  /// - Throws: `resourcesExhausted`.
  public init(name: String = "deferred", attributes: DispatcherAttributes = DispatcherAttributes())
    throws(InterruptSyncError)
  {
    worker = try DeferredWorker(name: name, level: .dispatch, attributes: attributes)
  }

  /// The same for routines that run at PASSIVE_LEVEL (D14).
  package init(passive name: String) throws(InterruptSyncError) {
    worker = try DeferredWorker(name: name, level: .passive, attributes: DispatcherAttributes())
  }

  /// Waits for the thread, unless a deferred routine dropped the last reference. Routines still
  /// queued have run by then: each queued routine keeps its queue.
  deinit { worker.stop() }

  func link(_ routine: Unmanaged<DeferredRoutine>) { unsafe worker.link(routine) }

  /// Waits until everything queued before the call has run (KeFlushQueuedDpcs, D3). Routines queued
  /// meanwhile may or may not have run.
  ///
  /// PASSIVE_LEVEL.
  /// - Throws: `wrongLevel` from service, synchronized and deferred routines, and from any routine of the queue's own.
  public func flush() throws(InterruptSyncError) {
    guard InterruptLevel.current == .passive, !worker.isCaller else {
      throw Verifier.violation(
        InterruptSyncError(
          .wrongLevel, object: worker.name, operation: "flush deferred routines",
          cause: worker.isCaller
            ? "called by one of its routines, which would wait for itself"
            : "called at \(InterruptLevel.current), where it could wait for itself",
          hint: "flush from an ordinary thread"))
    }
    let done = Monitor()
    let isDone = Atomic<Bool>(false)
    let marker = DeferredRoutine(on: self) {
      done.locked {
        isDone.store(true, ordering: .releasing)
        done.broadcast()
      }
    }
    marker.enqueue()
    done.locked { done.wait { !isDone.load(ordering: .acquiring) } }
  }
}

/// The thread's half of a queue: it must not keep the queue alive, or the queue would never end.
@safe final class DeferredWorker: @unchecked Sendable {
  let name: String
  private let level: InterruptLevel
  /// Newest first; each entry links to the one queued before it.
  private let newest = unsafe Atomic<UnsafeMutableRawPointer?>(nil)
  private let isAsleep = Atomic<Bool>(false)
  private let mustStop = Atomic<Bool>(false)
  /// The process ends: no routine is run any more.
  private let mustDrop = Atomic<Bool>(false)
  private let isRunning = Atomic<Bool>(false)
  private let wake: WakeEvent
  /// Written before the thread may run.
  private var thread: WorkerThread?
  private var affinity: KeptAffinity?
  private let prefaulted: Int
  private let starting = Monitor()

  init(
    name: String, level: InterruptLevel, attributes: DispatcherAttributes
  ) throws(InterruptSyncError) {
    self.name = name
    self.level = level
    prefaulted = attributes.prefaulted
    wake = try WakeEvent.take(for: name)
    do throws(SystemError) {
      // The new thread begins with this monitor, so it cannot run before `thread` is known.
      let started = try starting.locked { () throws(SystemError) in
        let started = try attributes.thread(of: name) { [self] in serve() }
        thread = started
        return started
      }
      affinity = ThreadPlacement.apply(attributes, to: started, named: name, report: nil)
    } catch {
      throw InterruptSyncError(
        .resourcesExhausted, object: name, operation: "make a deferred queue",
        cause: "cannot create a thread",
        hint: "raise the limit (systemd: TasksMax=)", errno: error.number)
    }
    ProcessEnd.watch(self)
  }

  deinit { wake.giveBack() }

  /// Whether the calling thread is the queue's own.
  var isCaller: Bool { thread?.isCurrent == true }

  func stop() {
    ProcessEnd.forget(self)
    mustStop.store(true, ordering: .releasing)
    wake.signalNow()
    isCaller ? thread?.detach() : thread?.join()
  }

  /// Adds an entry. Any thread, any level.
  func link(_ routine: Unmanaged<DeferredRoutine>) {
    let entry = unsafe routine.toOpaque()
    var head = unsafe newest.load(ordering: .relaxed)
    while true {
      unsafe routine._withUnsafeGuaranteedRef { entry in
        unsafe entry.next = head.map { unsafe Unmanaged<DeferredRoutine>.fromOpaque($0) }
      }
      let (exchanged, seen) = unsafe newest.weakCompareExchange(
        expected: head, desired: entry, successOrdering: .sequentiallyConsistent,
        failureOrdering: .relaxed)
      if exchanged { break }
      unsafe head = seen
    }
    if isAsleep.exchange(false, ordering: .sequentiallyConsistent) { wake.signal() }
  }

  private func serve() {
    starting.locked {}
    linux_prefault_stack(prefaulted)
    _ = cuio_thread_set_level(level.rawValue)
    run()
  }

  private func run() {
    while true {
      if runBatch() { continue }
      if mustStop.load(ordering: .acquiring) { return }
      isAsleep.store(true, ordering: .sequentiallyConsistent)
      // Queued between the batch and the flag: the caller that queued may have seen this thread
      // awake.
      if unsafe newest.load(ordering: .sequentiallyConsistent) == nil { wake.wait() }
      isAsleep.store(false, ordering: .sequentiallyConsistent)
    }
  }

  /// Takes everything queued so far and runs it, oldest first. False when there was nothing.
  private func runBatch() -> Bool {
    guard let newest = unsafe newest.exchange(nil, ordering: .acquiringAndReleasing) else {
      return false
    }
    var oldest: Unmanaged<DeferredRoutine>?
    var entry: Unmanaged<DeferredRoutine>? = unsafe Unmanaged.fromOpaque(newest)
    while let current = unsafe entry {
      unsafe current._withUnsafeGuaranteedRef { routine in
        unsafe entry = routine.next
        unsafe routine.next = unsafe oldest
      }
      unsafe oldest = current
    }
    while let current = unsafe oldest {
      unsafe oldest = unsafe current._withUnsafeGuaranteedRef { unsafe $0.next }
      run(unsafe current.takeRetainedValue())
    }
    return true
  }

  private func run(_ routine: DeferredRoutine) {
    isRunning.store(true, ordering: .sequentiallyConsistent)
    defer { isRunning.store(false, ordering: .releasing) }
    if mustDrop.load(ordering: .sequentiallyConsistent) { return }
    // Two stores away from being ready. Sleeping, not spinning: the writer may have a lower
    // priority than this thread.
    while !routine.runIfQueued() { usleep(50) }
  }
}

extension DeferredWorker: EndsWithProcess {
  var endsFirst: Bool { false }

  func endWithProcess() {
    mustDrop.store(true, ordering: .sequentiallyConsistent)
    let end = linux_nanoseconds() + ProcessEnd.patience.inNanoseconds
    while !isCaller, isRunning.load(ordering: .sequentiallyConsistent), linux_nanoseconds() < end {
      usleep(100)
    }
  }
}

/// An eventfd that is never closed but kept for the next user: a wake-up that was put off until the
/// interrupt lock is free may come after its queue has gone, and must then at worst cause a
/// spurious wake-up.
struct WakeEvent: Sendable {
  let fd: Int32
  private static let free = Pool()

  private final class Pool: @unchecked Sendable {
    private let monitor = Monitor()
    private var events: [Int32] = []

    func take() -> Int32? { monitor.locked { events.popLast() } }
    func put(_ fd: Int32) { monitor.locked { events.append(fd) } }
  }

  static func take(
    for name: String
  ) throws(InterruptSyncError) -> WakeEvent {
    if let fd = free.take() { return WakeEvent(fd: fd) }
    let fd = linux_event_create()
    guard fd >= 0 else {
      throw InterruptSyncError(
        .resourcesExhausted, object: name, operation: "make a deferred queue",
        cause: "cannot create an eventfd",
        hint: "raise the limit (systemd: LimitNOFILE=)", errno: -fd)
    }
    return WakeEvent(fd: fd)
  }

  func giveBack() { Self.free.put(fd) }

  /// Once the lock is free, if the caller is a routine: the sleeper does not run into it.
  func signal() { cuio_thread_wake(fd) }

  /// At once, for a caller that is about to wait for the sleeper.
  func signalNow() { _ = linux_event_signal(fd, 1) }

  func wait() {
    if cuio_wait(-1, fd, -1, false) > 0 { _ = linux_event_drain(fd) }
  }
}
