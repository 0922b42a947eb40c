// One `Events` call: what a ring brings, put together so that a slow reader gets less often what it
// misses nothing of.
import CUIO
import InterruptSync
import UIO
import Varlink

/// A stream of replies about one device's interrupts. On the control thread.
final class EventStream {
  /// At most so often.
  private static let pause = Duration.milliseconds(20)

  private let call: VarlinkCall
  private let ring: SharedRing
  private let reader: RingReader
  private let captures: [String]
  private let loop: EventLoop
  private var watch: EventLoop.Watch?
  private var timer: LoopTimer?
  private var reported: UInt64
  private var dispatches: UInt64
  private var replies: UInt64 = 0
  private let device: ManagedDevice
  private var last: cuio_ring_entry?

  /// - Throws: `resourcesExhausted`.
  init(
    _ call: VarlinkCall, ring: SharedRing, of device: ManagedDevice, on loop: EventLoop
  ) throws(VarlinkError) {
    self.call = call
    self.ring = ring
    self.device = device
    self.loop = loop
    captures = device.captures
    reader = RingReader(ring)
    let now = device.object?.statistics()
    reported = now?.interrupts ?? 0
    dispatches = now?.dispatches ?? 0
    watch = try loop.watch(ring.event, for: .readable) { [unowned self] _ in came() }
    came()
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
    timer = loop.after(Self.pause) { [unowned self] in
      timer = nil
      came()
    }
  }

  private func send() {
    guard let entry = last, let object = device.object else { return }
    let now = object.statistics()
    guard now.interrupts != reported else { return }
    var captured: JSONObject = [:]
    for (name, value) in zip(captures, RingReader.captured(entry)) { captured[name] = JSON(value) }
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
