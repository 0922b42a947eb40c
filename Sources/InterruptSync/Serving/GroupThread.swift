// Room Serving: the thread's half of a group. DispatcherGroup makes and stops it, GroupMember adds
// lines and takes them out, on the caller's thread without an interrupt lock (`leave`, `wakeUp`,
// `stop` and the counters may come with one); a routine or a report handler may call it on the
// group's thread. It must not keep the group alive, or the group would never end. The monitor
// guards members, leaving and the start. The fields below "The thread's own" are the group's
// thread's, but for what `start` sets before that thread serves, and for `removed` and a slot's
// `isListening`: while that thread is in a report handler, a thread that disconnects changes them
// with the monitor held. GroupThread+Loop.swift is its loop.
import CUIO
import Glibc
import LinuxSystem
import Synchronization
import UIO

@safe final class GroupThread: @unchecked Sendable {
  let name: String
  let attributes: DispatcherAttributes
  let owner = ProcessOwner()
  let poller: FileDescriptor
  let wake: FileDescriptor
  /// Written before the thread may run.
  private var thread: WorkerThread?
  let activity = ServingActivity()
  /// Guards what follows. Nothing is waited for while it is held.
  var monitor: Monitor { activity.monitor }
  private var members: [GroupMember] = []
  private var leaving: [GroupMember] = []
  private var isPlaced = false
  private var isReady = false
  /// A member leaves, a braked line must resume, or the thread must stop.
  let hasNews = Atomic<Bool>(false)
  private let isStopping = Atomic<Bool>(false)
  /// A line was added that must be read once although the poller reports nothing.
  let hasKick = Atomic<Bool>(false)

  /// What `DispatcherGroupStatistics` shows.
  struct Counters {
    var spinsFound: UInt64 = 0
    var spinsInVain: UInt64 = 0
    var sleeps: UInt64 = 0
    var rounds: UInt64 = 0
  }

  // The thread's own.
  let ready: UnsafeMutablePointer<linux_ready>
  let counters: Cell<Counters>
  var pacer = WaitPacer.block
  /// Lines to be read again, oldest first.
  var first: Cell<GroupSlot>?
  var newest: Cell<GroupSlot>?
  /// The line that was served last, unless nothing was ready or it had nothing since.
  var latest: Cell<GroupSlot>?
  /// Lines that are braked or being watched: few.
  var recovering: [GroupMember] = []
  /// Out of the poller, to be freed once nothing points to them.
  var removed: [GroupMember] = []
  /// When every line is read although the poller reported none (fact 23).
  var sweepDue: UInt64 = 0
  /// When the last dispatch released its lock; 0 once something else has been done since.
  let lastEnd: Cell<UInt64>
  private var waiting = WaitConditions.Decision.block
  private var isRealTime = false
  private var latencyRequest: FileDescriptor?
  private var affinity: KeptAffinity?

  /// - Throws: `resourcesExhausted`.
  init(name: String, attributes: DispatcherAttributes, report: ThreadPlacement.Report?)
    throws(InterruptSyncError)
  {
    self.name = name
    self.attributes = attributes
    poller = try Self.descriptor(linux_poller_create(), name)
    wake = try Self.descriptor(linux_event_create(), name)
    unsafe ready = .allocate(capacity: Int(LINUX_POLLER_BATCH))
    unsafe ready.initialize(repeating: linux_ready(), count: Int(LINUX_POLLER_BATCH))
    lastEnd = .allocate(0)
    counters = .allocate(Counters())
    activity.dispatches = { [unowned self] in
      allMembers().reduce(0) { $0 &+ $1.connection.dispatches }
    }
    let added = linux_poller_add(poller.raw, wake.raw, nil)
    guard added == 0 else { throw Self.exhausted(name, "cannot wait for its own eventfd", added) }
    try start(report)
  }

  deinit {
    unsafe ready.deallocate()
    lastEnd.free()
    counters.free()
  }

  private static func descriptor(_ fd: Int32, _ name: String) throws(InterruptSyncError)
    -> FileDescriptor
  {
    guard fd >= 0 else { throw exhausted(name, "cannot create a descriptor", fd) }
    return FileDescriptor(adopting: fd)
  }

  private static func exhausted(_ name: String, _ cause: String, _ result: Int32)
    -> InterruptSyncError
  {
    InterruptSyncError(
      .resourcesExhausted, object: name, operation: "make a dispatcher group", cause: cause,
      hint: "raise the limits (systemd: TasksMax=, LimitNPROC=, LimitNOFILE=)", errno: -result)
  }

  private func start(_ report: ThreadPlacement.Report?) throws(InterruptSyncError) {
    let thread: WorkerThread
    do throws(SystemError) {
      // The new thread begins with this monitor, so it cannot run before `thread` is known.
      thread = try monitor.locked { () throws(SystemError) in
        let started = try attributes.thread(of: name) { [self] in serve() }
        self.thread = started
        return started
      }
    } catch { throw Self.exhausted(name, "cannot create a thread", -error.number) }
    // Not for every group: an object with a weak reference is slower to retain from then on.
    if attributes.processors.isEmpty {
      _ = ThreadPlacement.apply(attributes, to: thread, named: name, report: report)
    } else {
      affinity = ThreadPlacement.apply(attributes, to: thread, named: name, report: report) {
        [weak self] in self?.post($0)
      }
    }
    latencyRequest = ThreadPlacement.prepare(attributes, named: name, report: report)
    if attributes.waiting != .block {
      let conditions = WaitConditions.current(thread.handle, hardware: true) { nil }
      waiting = conditions.decide(attributes.waiting)
      isRealTime = conditions.priority > 0
      if conditions.refuses(attributes.waiting) {
        ThreadPlacement.refusedSpin(conditions, named: name, report: report)
      }
    }
    monitor.locked {
      isPlaced = true
      monitor.broadcast()
      monitor.wait { !isReady }
    }
  }

  /// What the thread does before it waits: on its own stack, at its own priority.
  func prepareThread() {
    monitor.locked { monitor.wait { !isPlaced } }
    linux_prefault_stack(attributes.prefaulted)
    pacer = WaitPacer(waiting, isRealTime: isRealTime)
    sweepDue = linux_nanoseconds()
    monitor.locked {
      isReady = true
      monitor.broadcast()
    }
  }

  var isCurrentThread: Bool { thread?.isCurrent == true }
  var cpuTime: Int64 { thread?.cpuTime ?? 0 }
  var lineCount: Int { monitor.locked { members.count } }
  var mustStop: Bool { isStopping.load(ordering: .acquiring) }

  var isHeldUpByCaller: Bool {
    monitor.locked { members.contains { $0.connection.served.lock.isHeldByCaller } }
  }

  func statistics() -> DispatcherGroupStatistics {
    var now = DispatcherGroupStatistics()
    now.spinsFound = Counter.read(&counters.value.spinsFound)
    now.spinsInVain = Counter.read(&counters.value.spinsInVain)
    now.sleeps = Counter.read(&counters.value.sleeps)
    now.rounds = Counter.read(&counters.value.rounds)
    return now
  }

  /// Makes the thread look around. Any thread, any level.
  func wakeUp() {
    hasNews.store(true, ordering: .releasing)
    if !isCurrentThread { _ = linux_event_signal(wake.raw, 1) }
  }

  /// Has the thread report something about itself, to the line that has been here the longest.
  private func post(_ report: InterruptReport) {
    monitor.locked({ members.first })?.connection.post(report)
    wakeUp()
  }

  /// Ends the thread, which serves no line any more.
  func stop() {
    isStopping.store(true, ordering: .releasing)
    wakeUp()
    // A handler or a routine must not wait for another serving thread's end.
    let mayWait = !cuio_thread_serves() && InterruptLevel.current == .passive
    mayWait ? thread?.join() : thread?.detach()
  }

  /// Takes a line in. 0 or -errno.
  func add(_ member: GroupMember, _ slot: Cell<GroupSlot>) -> Int32 {
    // The thread's, as soon as the poller has it.
    let isKicked = unsafe InterruptLine(slot.value.line).isKicked
    let result = unsafe linux_poller_add(poller.raw, slot.value.line.pointee.fd, slot.pointer)
    guard result == 0 else { return result }
    // It may have had an interrupt, and have left in it.
    monitor.locked { if !member.connection.hasLeft { members.append(member) } }
    if isKicked {
      hasKick.store(true, ordering: .releasing)
      wakeUp()
    }
    return 0
  }

  /// Has the thread take a line out. Any thread, any level.
  func leave(_ member: GroupMember) {
    monitor.locked {
      if isCurrentThread { remove(member) } else { leaving.append(member) }
    }
    wakeUp()
  }

  /// See `LineServer`. While the thread is inside a report handler, of this line or another, the
  /// caller takes the line out in its place: the line can be connected again at once.
  func quiesce(_ member: GroupMember) {
    guard !isCurrentThread else { return member.connection.setStage(.over) }
    member.connection.awaitQuiet { if !member.connection.hasLeft { remove(member) } }
  }

  /// The members that want to leave. On the thread.
  func takeLeaving() -> [GroupMember] {
    monitor.locked {
      defer { leaving.removeAll() }
      return leaving
    }
  }

  /// Wakes the caller that waits for a member to leave. On the thread.
  func hasLeft(_ member: GroupMember) {
    member.connection.leave { members.removeAll { $0 === member } }
  }

  /// The locks of its lines. One that is held may be held by the thread, inside a routine.
  var locks: [InterruptLock] { monitor.locked { members.map(\.connection.served.lock) } }

  /// Every line. On the thread.
  func allMembers() -> [GroupMember] { monitor.locked { members } }
}

/// Counters of a group's thread since it was made. Those of dispatches are the objects'.
public struct DispatcherGroupStatistics: Equatable, Sendable {
  /// Times the thread looked again and met an interrupt, and times it met none (`WaitStrategy`).
  public var spinsFound: UInt64 = 0
  /// See `spinsFound`.
  public var spinsInVain: UInt64 = 0
  /// Times it slept.
  public var sleeps: UInt64 = 0
  /// Times it asked which lines are ready.
  public var rounds: UInt64 = 0

  package init() {}
}
