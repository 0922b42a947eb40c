// Clients room. One `Events` call, and the feed that all calls about one object share: however many
// there are, the dispatcher writes one ring for them and wakes the control thread at most once a
// pause. A slow reader gets fewer replies, and each accounts for all interrupts since the last.
// Control thread; no lock. The ring's writer is the dispatcher's thread.
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
  private var reported: UInt64
  private var dispatches: UInt64
  private var last: cuio_ring_entry?

  init(_ call: VarlinkCall, of device: ManagedDevice, _ feed: EventFeed) {
    self.call = call
    self.device = device
    self.feed = feed
    let now = device.statistics
    reported = now.interrupts
    dispatches = now.dispatches
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

/// The interrupts of one object, for the streams about it. It lasts as long as a stream keeps it.
final class EventFeed {
  /// The least time between two notifications of the streams.
  private static let pause = Duration.milliseconds(20)
  /// Records that come within a pause at 50,000 interrupts a second. Of more, a stream still counts
  /// all, and shows a record that came a little earlier.
  private static let capacity = 1024

  /// What the ring is of. With other settings a device gets another object.
  let object: InterruptSyncObject
  private let ring: SharedRing
  private let reader: RingReader
  private let loop: EventLoop
  private var watch: EventLoop.Watch?
  private var timer: LoopTimer?
  private var listeners: [ObjectIdentifier: (cuio_ring_entry) -> Void] = [:]

  /// - Throws: `SystemFailure`; `WrongState` if the device has never been connected.
  init(of device: ManagedDevice, on loop: EventLoop) throws(ErrorReply) {
    self.loop = loop
    (object, ring) = try device.ring(capacity: Self.capacity)
    reader = RingReader(ring)
    do throws(SystemError) {
      watch = try loop.watch(ring.event, for: .readable) { [unowned self] _ in woken() }
    } catch { throw ClientError.system(error) }
    deliver()
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
    _ = linux_event_drain(ring.event.raw)
    // The end of a pause delivers what comes during it.
    if timer == nil { deliver() }
  }

  private func deliver() {
    var last = newest()
    // After a pause without an interrupt the dispatcher must wake this thread for the next.
    while last == nil, reader.sleeps() { last = newest() }
    guard let last else { return }
    timer = loop.after(Self.pause) { [unowned self] in
      timer = nil
      deliver()
    }
    // A body may end its stream, and the last stream releases this feed.
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

  /// Asks the writer for a wake-up; true if an interrupt has come meanwhile.
  func sleeps() -> Bool { ring.sleeps() }

  static func captured(_ entry: cuio_ring_entry) -> [UInt64] {
    let values = entry.captured
    let all = [
      values.0, values.1, values.2, values.3, values.4, values.5, values.6, values.7,
    ]
    return Array(all.prefix(Int(entry.captures)))
  }
}
