// What two scripts work on, and what must hold whatever the order of their steps: no two routines at once, no routine
// and no report after the call that ends them has returned, nothing lost, and an object that works afterwards.
import CSchedule
import CUIO
import Glibc
import InterruptSync
import LinuxSystem
import Synchronization

final class World: @unchecked Sendable {
  let scenario: Scenario
  let device: Device
  private var group: DispatcherGroup?
  /// The only reference to the object, but for those of calls under way.
  private let object = Mutex<InterruptSyncObject?>(nil)
  private(set) var second: ServiceRoutineRegistration?
  private let inside = Atomic<Int>(0)
  /// No routine may run, and no report begin, from now on.
  let isClosed = Atomic<Bool>(false)
  let isCancelled = Atomic<Bool>(false)
  let defers = Atomic<Bool>(false)
  private let flaws = Mutex<[String]>([])
  /// Raised when the object that the scripts work on has gone, which a report handler may be the last to hold.
  private let gone = Event()
  /// Raised with each answer.
  private let answered = Event()
  /// Script A has made what both work on.
  let isReady = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)

  init(_ scenario: Scenario) throws {
    self.scenario = scenario
    device = try Device(isForgetful: scenario.plant == .forgetfulDevice)
    isReady.initialize(to: 0)
  }

  deinit { isReady.deallocate() }

  var current: InterruptSyncObject? { object.withLock { $0 } }

  func flaw(_ what: String) { flaws.withLock { if !$0.contains(what) { $0.append(what) } } }
  var found: [String] { flaws.withLock { $0 } }

  // MARK: Routines

  /// Runs `body` as a routine does: no other one may be inside.
  func asRoutine(_ name: String, _ body: () -> Void) {
    if inside.add(1, ordering: .acquiringAndReleasing).newValue != 1 {
      flaw("two routines at once, the second \(name)")
    }
    body()
    schedule_pause("inside \(name)")
    inside.subtract(1, ordering: .acquiringAndReleasing)
  }

  private static let service: InterruptSyncRoutine = { _, context in
    guard let context else { return -1 }
    return Unmanaged<World>.fromOpaque(context).takeUnretainedValue().serve()
  }

  private func serve() -> Int32 {
    if isClosed.load(ordering: .acquiring) { flaw("a service routine after disconnect returned") }
    var hadAsked = false
    asRoutine("the service routine") {
      hadAsked = device.answer()
      if hadAsked, scenario.has(.release), defers.load(ordering: .acquiring) {
        current?.deferLine()
      }
    }
    if hadAsked { answered.raise() }
    return hadAsked ? 0 : -1
  }

  private static let other: InterruptSyncRoutine = { _, context in
    guard let context else { return -1 }
    let world = Unmanaged<World>.fromOpaque(context).takeUnretainedValue()
    if world.isCancelled.load(ordering: .acquiring) {
      world.flaw("a routine after its cancel returned")
    }
    world.asRoutine("the second routine") {}
    return -1
  }

  private func report() {
    if isClosed.load(ordering: .acquiring) { flaw("a report after disconnect returned") }
    schedule_pause("inside the report handler")
    guard let object = current else { return }
    if scenario.has(.end) { Operation.disconnect(object, self) } else { call(object) }
  }

  func call(_ object: InterruptSyncObject) {
    if scenario.plant == .callWithoutLock { return asRoutine("the call") {} }
    do {
      let answer = try object.callSynchronizedRoutine {
        asRoutine("the call") {}
        return 7
      }
      if answer != 7 { flaw("a call returned \(answer)") }
    } catch { flaw("a call: \(error)") }
  }

  // MARK: Before and after

  /// Raises an event when the last that keeps it has gone.
  private final class Token: Sendable {
    private let event: Event
    init(_ event: Event) { self.event = event }
    deinit { event.raise() }
  }

  /// How often a thread that spins reads is a matter of time.
  private static let attributes = DispatcherAttributes(waiting: .block)

  func makeObject() throws -> InterruptSyncObject {
    if scenario.isGrouped, group == nil { group = try DispatcherGroup(attributes: Self.attributes) }
    // In mode repeat each dispatch reaches the limit of one pass, and reports that.
    let reports = scenario.has(.report) || scenario.has(.end)
    let token = Token(gone)
    isCancelled.store(false, ordering: .releasing)
    let made = InterruptSyncObject(
      source: device.line, mode: reports ? .repeat : .all,
      options: InterruptSyncOptions(
        repeatLimit: 1, dispatcher: Self.attributes, group: group,
        report: { [unowned self] report in
          withExtendedLifetime(token) {}
          if case .repeatLimitReached = report {
            self.report()
          } else {
            flaw("it reports: \(report)")
          }
        }))
    let context = Unmanaged.passUnretained(self).toOpaque()
    try made.registerServiceRoutine(Self.service, context: context)
    second = try made.registerServiceRoutine(Self.other, context: context)
    return made
  }

  /// On script A, before there are choices.
  func prepare() {
    do {
      let made = try makeObject()
      object.withLock { $0 = made }
      defers.store(true, ordering: .releasing)
      if scenario.beginsConnected { try made.connect() }
      device.ask()
    } catch { flaw("cannot begin: \(error)") }
    cuio_flag_raise(isReady)
    schedule_begin_choices()
  }

  /// The last reference of the world's own goes.
  func drop() {
    let last = object.withLock { held in
      defer { held = nil }
      return held
    }
    withExtendedLifetime(last) {}
  }

  /// Everything runs freely now: the object is as any other.
  func check() {
    isClosed.store(false, ordering: .releasing)
    defers.store(false, ordering: .releasing)
    do {
      let before = current?.statistics().interrupts
      if current == nil { try gone.wait(for: "the end of an object without references") }
      let object = try current ?? makeObject()
      self.object.withLock { $0 = object }
      // Waits for a report handler that ends the connection.
      if scenario.has(.end) { try object.disconnect() }
      try connect(object)
      try object.releaseLine()
      try awaitAnswer("what was asked for before or meanwhile")
      if scenario.has(.end) { try object.disconnect() }
      // What a dispatch defers that began before, it has deferred.
      call(object)
      try object.releaseLine()
      try connect(object)
      device.ask()
      try awaitAnswer("what was asked for afterwards")
      if !scenario.has(.end), object.state != .connected { flaw("the object is \(object.state)") }
      try object.disconnect()
      isClosed.store(true, ordering: .releasing)
      if object.state != .disconnected { flaw("after disconnect it is \(object.state)") }
      if object.lock.isLocked { flaw("the lock is held") }
      guard before != nil else { return }
      let counted = object.statistics().interrupts, made = device.now.interrupts
      let unread = device.takeUnread()
      if counted + unread != made {
        flaw("the device interrupted \(made) times, the object counted \(counted), \(unread) wait")
      }
    } catch { flaw("afterwards: \(error)") }
  }

  private func connect(_ object: InterruptSyncObject) throws {
    do { try object.connect() } catch {
      if error.code != .alreadyConnected { throw error }
    }
  }

  private func awaitAnswer(_ what: String) throws {
    while device.now.asksForService { try answered.wait(for: what) }
  }
}

/// What happened and was not waited for yet. Not a monitor, which has pause points.
private final class Event: @unchecked Sendable {
  private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

  struct Lost: Error, CustomStringConvertible { let description: String }

  init() { sem_init(semaphore, 0, 0) }

  deinit {
    sem_destroy(semaphore)
    semaphore.deallocate()
  }

  func raise() { sem_post(semaphore) }

  /// - Throws: after ten seconds.
  func wait(for what: String) throws {
    var deadline = timespec()
    clock_gettime(CLOCK_REALTIME, &deadline)
    deadline.tv_sec += 10
    while sem_timedwait(semaphore, &deadline) != 0 {
      if errno == ETIMEDOUT { throw Lost(description: "lost: \(what)") }
    }
  }
}
