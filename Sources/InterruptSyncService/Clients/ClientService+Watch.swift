// Clients room. Methods that follow interrupts as they come: rings in shared memory, which the
// observers' thread writes and the client reads without this thread, and a coalesced stream for
// shells. The Varlink server calls them for clients' messages, DeviceRegistry calls the observers
// of changes. Control thread; no interrupt lock is held or taken.
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
    try requireRoom(call, forRing: size)
    let (ring, ends) = try device.ring(capacity: Int(capacity))
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
      ], descriptors: [ends.memory, ends.event])
  }

  private func stream(_ call: VarlinkCall) throws(ErrorReply) {
    let device = try device(call, .observe)
    let stream = try EventStream(call, of: device, feed(of: device))
    let number = try subscribe(call)
    let peer = call.peer
    let id = device.id
    // After a change the device may be another object, and the peer may have lost its role.
    let observer = registry.observe { [unowned self, unowned call] _, changed in
      guard changed.id == id, let stream = streams[number] else { return }
      do throws(ErrorReply) {
        let now = registry.devices.first { $0.id == id }
        guard let now, mayObserve(peer, now) else { throw ClientError.noSuchDevice(id) }
        try stream.follow(now) { () throws(ErrorReply) in try feed(of: now) }
      } catch {
        // The stream keeps the call alive, and onCancel ends the stream.
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

  /// The feed that the streams of the device's present object share.
  /// - Throws: `SystemFailure`; `WrongState` if the device has never been connected.
  private func feed(of device: ManagedDevice) throws(ErrorReply) -> EventFeed {
    if let feed = feeds[device.id]?.feed, feed.object === device.object { return feed }
    feeds = feeds.filter { $0.value.feed != nil }
    let feed = try EventFeed(of: device, on: loop)
    feeds[device.id] = WeakFeed(feed: feed)
    return feed
  }
}

extension ManagedDevice {
  /// Makes a ring of the current object.
  /// - Throws: `SystemFailure`; `WrongState` if the device has never been connected.
  fileprivate func ring(
    capacity: Int
  ) throws(ErrorReply) -> (ring: SharedRing, ends: SharedRing.Ends) {
    let object = try observed()
    do throws(InterruptSyncError) {
      return try SharedRing.make(of: object, capacity: capacity)
    } catch { throw ClientError.system(error) }
  }

  /// The object whose dispatches an observer follows.
  /// - Throws: `WrongState` if the device has never been connected.
  func observed() throws(ErrorReply) -> InterruptSyncObject {
    if let object { return object }
    throw ClientError.wrongState(
      self, "the device has never been connected", hint: "connect it first")
  }
}
