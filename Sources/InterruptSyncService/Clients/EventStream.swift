// Clients room. One `Events` call, and the feed that all calls about one object share: however many
// there are, the observers' thread wakes the control thread for them at most once a pause.
// ClientService+Watch makes and ends both. A slow reader gets fewer replies, and each accounts for
// all interrupts since the last. Control thread; a monitor guards the one record that the
// observers' thread leaves for it.
import CUIO
import InterruptSync
import LinuxSystem
import UIO
import Varlink

/// A stream of replies about one device's interrupts. It follows the device from one object to the
/// next and ends with it.
final class EventStream {
  private let call: VarlinkCall
  private var device: ManagedDevice
  private var feed: EventFeed
  private var counts: EventCounts
  private var last: cuio_ring_entry?

  init(_ call: VarlinkCall, of device: ManagedDevice, _ feed: EventFeed) {
    self.call = call
    self.device = device
    self.feed = feed
    let now = device.statistics
    counts = EventCounts(interrupts: now.interrupts, dispatches: now.dispatches)
  }

  /// Sends what comes from now on. Set the call's `onCancel` before.
  func begin() {
    feed.add(self) { [weak self] in self?.received($0) }
  }

  /// Continues with the object that services the device now.
  /// - Parameter feed: called if that is another object.
  /// - Throws: what `feed` throws.
  func follow(
    _ device: ManagedDevice, _ feed: () throws(ErrorReply) -> EventFeed
  ) throws(ErrorReply) {
    self.device = device
    guard let next = device.object, next !== self.feed.object else { return }
    self.feed.remove(self)
    self.feed = try feed()
    begin()
  }

  func end() { feed.remove(self) }

  private func received(_ entry: cuio_ring_entry) {
    last = entry
    if call.onRoom == nil { send() }
  }

  private func send() {
    guard let entry = last else { return }
    let now = device.statistics
    let seen = EventCounts(interrupts: now.interrupts, dispatches: now.dispatches)
    guard let new = counts.news(of: entry.total, seen) else { return }
    var captured: JSONObject = [:]
    for (name, value) in zip(device.captures, entry.values) {
      captured[name] = JSON(value)
    }
    let reply: JSONObject = [
      "interrupts": JSON(new.interrupts), "dispatches": JSON(new.dispatches),
      "timestampNanoseconds": JSON(entry.time), "claimed": .bool(entry.claimed != 0),
      "captured": .object(captured),
      "coalesced": JSON(
        new.interrupts > new.dispatches ? new.interrupts - new.dispatches : 0),
    ]
    switch call.send(reply) {
    case .queued:
      counts += new
      last = nil
    case .full:
      call.onRoom = { [weak self] in
        self?.call.onRoom = nil
        self?.send()
      }
    case .ended: break
    }
  }
}

/// What a stream has reported, and what a reply adds.
struct EventCounts: Equatable {
  var interrupts: UInt64
  var dispatches: UInt64

  static func += (counts: inout EventCounts, new: EventCounts) {
    counts.interrupts &+= new.interrupts
    counts.dispatches &+= new.dispatches
  }

  /// What a record adds to these counts; nil if it was reported. A reply tells the interrupts up to
  /// its record and no later one: those have records of their own, whose captures would be lost.
  /// - Parameters:
  ///   - total: of the record.
  ///   - now: the device's counts, which may be ahead of the record. They do not say by how many
  ///     dispatches; then each has at least one of the interrupts, and the next reply has the rest.
  func news(of total: UInt64, _ now: EventCounts) -> EventCounts? {
    let new = total &- interrupts
    // A negative difference is a record from before the stream began.
    guard Int64(bitPattern: new) > 0 else { return nil }
    let dispatched = now.dispatches &- dispatches
    return EventCounts(
      interrupts: new,
      dispatches: total == now.interrupts ? dispatched : min(dispatched, new))
  }
}

/// The interrupts of one object, for the streams about it. It lasts as long as a stream keeps it.
final class EventFeed {
  /// The least time between two notifications of the streams.
  private static let pause = Duration.milliseconds(20)

  /// The observed object. With other settings a device gets another object.
  let object: InterruptSyncObject
  private let newest: NewestRecord
  private let observation: DispatchObservation
  private let loop: EventLoop
  private var watch: EventLoop.Watch?
  private var timer: LoopTimer?
  private var listeners: [ObjectIdentifier: (cuio_ring_entry) -> Void] = [:]

  /// - Throws: `SystemFailure`; `WrongState` if the device has never been connected.
  init(of device: ManagedDevice, on loop: EventLoop) throws(ErrorReply) {
    self.loop = loop
    object = try device.observed()
    do {
      newest = try NewestRecord()
      observation = try object.observe(newest)
      watch = try loop.watch(newest.event, for: .readable) { [unowned self] _ in woken() }
    } catch { throw ClientError.system(error) }
  }

  deinit {
    if let watch { loop.unwatch(watch) }
    if let timer { loop.cancel(timer) }
  }

  /// Calls `body` with the last interrupt of each pause, until `remove`.
  func add(_ listener: AnyObject, _ body: @escaping (cuio_ring_entry) -> Void) {
    listeners[ObjectIdentifier(listener)] = body
  }

  func remove(_ listener: AnyObject) { listeners[ObjectIdentifier(listener)] = nil }

  private func woken() {
    _ = linux_event_drain(newest.event.raw)
    // The end of a pause delivers what comes during it.
    if timer == nil { deliver() }
  }

  private func deliver() {
    guard let last = newest.take() else { return }
    timer = loop.after(Self.pause) { [unowned self] in
      timer = nil
      deliver()
    }
    // A body may end its stream, and the last stream releases this feed.
    withExtendedLifetime(self) {
      for body in Array(listeners.values) { body(last) }
    }
  }
}

/// The newest record that was not taken yet. The observers' thread leaves it; the control thread
/// takes it.
private final class NewestRecord: DispatchObserver, @unchecked Sendable {
  /// Signalled when a record has come since `take` found none.
  let event: FileDescriptor
  /// Guards what follows.
  private let monitor = Monitor()
  private var record: cuio_ring_entry?
  private var isAwaited = true

  /// - Throws: `SystemError`: EMFILE, ENFILE or ENOMEM.
  init() throws(SystemError) { event = try FileDescriptor.event() }

  func observe(_ records: DispatchRecords) {
    guard let last = records.last else { return }
    monitor.locked {
      record = last
      guard isAwaited else { return }
      isAwaited = false
      _ = linux_event_signal(event.raw, 1)
    }
  }

  func end() {}

  func take() -> cuio_ring_entry? {
    monitor.locked {
      defer { record = nil }
      isAwaited = record == nil
      return record
    }
  }
}

extension cuio_ring_entry {
  /// The values of the captured registers.
  fileprivate var values: [UInt64] {
    let all = [
      captured.0, captured.1, captured.2, captured.3, captured.4, captured.5, captured.6,
      captured.7,
    ]
    return Array(all.prefix(Int(captures)))
  }
}
