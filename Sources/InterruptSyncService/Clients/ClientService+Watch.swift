// Interrupts as they come: rings in shared memory, and a coalesced stream for shells.
import CUIO
import InterruptSync
import LinuxSystem
import UIO
import Varlink

extension ClientService {
  func addWatchMethods() {
    handle("Subscribe") { [unowned self] call throws(ErrorReply) in try subscribeRing(call) }
    handle("Events", streaming: .required) { [unowned self] call throws(ErrorReply) in
      try stream(call)
    }
  }

  private func subscribeRing(_ call: VarlinkCall) throws(ErrorReply) {
    let device = try device(call, .observe)
    let capacity = try integer(call, "capacity", in: 16...65536) ?? 1024
    let size = SharedRing.size(capacity: Int(capacity))
    let user = call.peer.user
    let limit = settings.limits.ringMemoryPerUser
    guard size <= limit - ringMemory[user, default: 0] else {
      throw ClientError.tooMuchMemory(size, has: ringMemory[user, default: 0], limit: limit)
    }
    let ring = try device.ring(capacity: Int(capacity)).ring
    let number = try subscribe(call)
    ringMemory[user, default: 0] += size
    device.rings[number] = ring
    call.connection.whenClosed { [weak self, weak device] in
      device?.rings[number] = nil
      self?.unsubscribe(user, releasing: size)
    }
    call.reply(
      [
        "ring": 0, "event": 1, "captures": .array(device.captures.map { .string($0) }),
      ], descriptors: [ring.memory, ring.event])
  }

  private func stream(_ call: VarlinkCall) throws(ErrorReply) {
    let device = try device(call, .observe)
    let stream = try EventStream(call, of: device, on: loop)
    let number = try subscribe(call)
    let peer = call.peer
    let id = device.id
    // The device may be another object after a change, and somebody else's to see.
    let observer = registry.observe { [unowned self, unowned call] _, changed in
      guard changed.id == id, let stream = streams[number] else { return }
      do throws(ErrorReply) {
        let now = registry.devices.first { $0.id == id }
        guard let now, mayObserve(peer, now) else { throw ClientError.noSuchDevice(id) }
        try stream.follow(now)
      } catch {
        // The stream is what keeps the call.
        let call = call
        call.onCancel?()
        call.fail(error)
      }
    }
    streams[number] = stream
    call.onCancel = { [weak self] in
      self?.registry.endObserving(observer)
      self?.streams[number]?.end()
      self?.streams[number] = nil
      self?.unsubscribe(peer.user)
    }
    stream.begin()
  }
}

extension ManagedDevice {
  /// What the streams about the object there is now share.
  /// - Throws: `SystemFailure`; `WrongState` when the device has never been connected.
  func feed(on loop: EventLoop) throws(ErrorReply) -> EventFeed {
    if let feed, feed.object === object { return feed }
    let new = try EventFeed(of: self, on: loop)
    feed = new
    return new
  }

  /// A ring of the object there is now.
  /// - Throws: `SystemFailure`; `WrongState` when the device has never been connected.
  func ring(
    capacity: Int
  ) throws(ErrorReply) -> (object: InterruptSyncObject, ring: SharedRing) {
    guard let object else {
      throw ClientError.wrongState(self, "the device has not been connected: connect it first")
    }
    do throws(InterruptSyncError) {
      return (object, try SharedRing(of: object, capacity: capacity))
    } catch { throw ClientError.system(error) }
  }
}
