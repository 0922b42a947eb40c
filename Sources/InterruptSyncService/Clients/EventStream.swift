// One `Events` call: what a ring brings, put together so that a slow reader gets less often what it
// misses nothing of.
import CUIO
import InterruptSync
import UIO
import Varlink

/// A stream of replies about one device's interrupts. On the control thread. It follows the device
/// from one object to the next and ends with it.
final class EventStream {
  /// At most so often.
  private static let pause = Duration.milliseconds(20)

  private let call: VarlinkCall
  private let loop: EventLoop
  private var device: ManagedDevice
  /// What the ring is of; the device gets another with other settings.
  private var object: InterruptSyncObject
  private var ring: SharedRing
  private var reader: RingReader
  private var watch: EventLoop.Watch?
  private var timer: LoopTimer?
  private var reported: UInt64
  private var dispatches: UInt64
  private var last: cuio_ring_entry?

  /// - Throws: `SystemFailure`; `WrongState` when the device has never been connected.
  init(_ call: VarlinkCall, of device: ManagedDevice, on loop: EventLoop) throws(ErrorReply) {
    self.call = call
    self.device = device
    self.loop = loop
    (object, ring) = try device.ring(capacity: Self.capacity)
    reader = RingReader(ring)
    let now = device.statistics
    reported = now.interrupts
    dispatches = now.dispatches
  }

  private static let capacity = 64

  /// Sends from now on what comes. The call's end must be looked after by then.
  /// - Throws: `SystemFailure`.
  func begin() throws(ErrorReply) {
    do throws(VarlinkError) {
      watch = try loop.watch(ring.event, for: .readable) { [unowned self] _ in came() }
    } catch { throw ClientError.system(error) }
    came()
  }

  /// Goes on with what services the device now.
  /// - Throws: `SystemFailure`.
  func follow(_ device: ManagedDevice) throws(ErrorReply) {
    self.device = device
    guard watch != nil, let next = device.object, next !== object else { return }
    if let watch { loop.unwatch(watch) }
    watch = nil
    (object, ring) = try device.ring(capacity: Self.capacity)
    reader = RingReader(ring)
    try begin()
  }

  func end() {
    if let watch { loop.unwatch(watch) }
    watch = nil
    if let timer { loop.cancel(timer) }
    timer = nil
  }

  private func came() {
    _ = cuio_event_drain(ring.event.raw)
    while let entry = reader.take() { last = entry }
    // Says that it sleeps; what came meanwhile is taken with the next.
    if reader.sleeps() { while let entry = reader.take() { last = entry } }
    guard timer == nil, call.onRoom == nil, last != nil else { return }
    send()
    // To send may find the client gone, and so has ended this.
    guard watch != nil else { return }
    timer = loop.after(Self.pause) { [unowned self] in
      timer = nil
      came()
    }
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
        self?.came()
      }
    case .ended: break
    }
  }
}
