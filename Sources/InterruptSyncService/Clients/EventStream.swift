// One `Events` call: what a feed brings, put together so that a slow reader gets less often what it
// misses nothing of.
import CUIO
import InterruptSync
import LinuxSystem
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
