// One `Events` call: what a feed brings, put together so that a slow reader gets less often what it
// misses nothing of.
// What all `Events` streams of a device hang on: however many there are, the dispatcher writes one
// ring for them and wakes this thread at most so often.
// The reading end of a ring of this process's own.
import CUIO
import InterruptSync
import UIO
import Varlink

/// A stream of replies about one device's interrupts. On the control thread. It follows the device
/// from one object to the next and ends with it.
final class EventStream {
  private let call: VarlinkCall
  private let loop: EventLoop
  private var device: ManagedDevice
  private var feed: EventFeed
  private var reported: UInt64
  private var dispatches: UInt64
  private var last: cuio_ring_entry?

  /// - Throws: `SystemFailure`; `WrongState` when the device has never been connected.
  init(_ call: VarlinkCall, of device: ManagedDevice, on loop: EventLoop) throws(ErrorReply) {
    self.call = call
    self.device = device
    self.loop = loop
    feed = try device.feed(on: loop)
    let now = device.statistics
    reported = now.interrupts
    dispatches = now.dispatches
  }

  /// Sends from now on what comes. The call's end must be looked after by then.
  func begin() {
    feed.add(self) { [weak self] in self?.came($0) }
  }

  /// Goes on with what services the device now.
  /// - Throws: `SystemFailure`.
  func follow(_ device: ManagedDevice) throws(ErrorReply) {
    self.device = device
    guard let next = device.object, next !== feed.object else { return }
    feed.remove(self)
    feed = try device.feed(on: loop)
    begin()
  }

  func end() { feed.remove(self) }

  private func came(_ entry: cuio_ring_entry) {
    last = entry
    if call.onRoom == nil { send() }
  }

  private func send() {
    guard let entry = last else { return }
    let now = device.statistics
    guard now.interrupts != reported else { return }
    var captured: JSONObject = [:]
    for (name, value) in zip(device.captures, RingReader.captured(entry)) {
      captured[name] = JSON(value)
    }
    let count = now.dispatches &- dispatches
    let reply: JSONObject = [
      "interrupts": JSON(now.interrupts &- reported), "dispatches": JSON(count),
      "timestampNanoseconds": JSON(entry.time), "claimed": .bool(entry.claimed != 0),
      "captured": .object(captured), "coalesced": JSON(count == 0 ? 0 : count - 1),
    ]
    switch call.send(reply) {
    case .queued:
      reported = now.interrupts
      dispatches = now.dispatches
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

/// The interrupts of one object, for the streams about it. On the control thread. Lasts as long as a
/// stream keeps it.
final class EventFeed {
  /// At most so often streams are told.
  private static let pause = Duration.milliseconds(20)
  /// What comes within a pause at 50,000 interrupts a second. Of more, a stream counts all and shows
  /// one that came a little earlier.
  private static let capacity = 1024

  /// What the ring is of; a device gets another with other settings.
  let object: InterruptSyncObject
  private let ring: SharedRing
  private let reader: RingReader
  private let loop: EventLoop
  private var watch: EventLoop.Watch?
  private var timer: LoopTimer?
  private var listeners: [ObjectIdentifier: (cuio_ring_entry) -> Void] = [:]

  /// - Throws: `SystemFailure`; `WrongState` when the device has never been connected.
  init(of device: ManagedDevice, on loop: EventLoop) throws(ErrorReply) {
    self.loop = loop
    (object, ring) = try device.ring(capacity: Self.capacity)
    reader = RingReader(ring)
    do throws(VarlinkError) {
      watch = try loop.watch(ring.event, for: .readable) { [unowned self] _ in woken() }
    } catch { throw ClientError.system(error) }
    came()
  }

  deinit {
    if let watch { loop.unwatch(watch) }
    if let timer { loop.cancel(timer) }
  }

  /// Calls `body` with the last of the interrupts of each pause, until `remove`.
  func add(_ listener: AnyObject, _ body: @escaping (cuio_ring_entry) -> Void) {
    listeners[ObjectIdentifier(listener)] = body
  }

  func remove(_ listener: AnyObject) { listeners[ObjectIdentifier(listener)] = nil }

  private func woken() {
    _ = cuio_event_drain(ring.event.raw)
    // What comes in a pause is looked for at its end.
    if timer == nil { came() }
  }

  private func came() {
    var last = newest()
    // After a pause in which nothing came the dispatcher is to wake this thread, for the first.
    while last == nil, reader.sleeps() { last = newest() }
    guard let last else { return }
    timer = loop.after(Self.pause) { [unowned self] in
      timer = nil
      came()
    }
    // A stream may end with this, and this with the last of them.
    withExtendedLifetime(self) {
      for body in Array(listeners.values) { body(last) }
    }
  }

  private func newest() -> cuio_ring_entry? {
    var last: cuio_ring_entry?
    while let entry = reader.take() { last = entry }
    return last
  }
}

/// Reads a ring that this process writes as well. One thread at a time.
@safe struct RingReader {
  private let ring: SharedRing

  init(_ ring: SharedRing) { self.ring = ring }

  func take() -> cuio_ring_entry? {
    var entry = cuio_ring_entry()
    return ring.take(&entry) ? entry : nil
  }

  /// True when an event has come meanwhile.
  func sleeps() -> Bool { ring.sleeps() }

  static func captured(_ entry: cuio_ring_entry) -> [UInt64] {
    let values = entry.captured
    let all = [
      values.0, values.1, values.2, values.3, values.4, values.5, values.6, values.7,
    ]
    return Array(all.prefix(Int(entry.captures)))
  }
}
