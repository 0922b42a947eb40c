// Interrupts as they come: rings in shared memory, and a coalesced stream for shells.
import CUIO
import InterruptSync
import UIO
import Varlink

extension ClientService {
  func addWatchMethods() {
    handle("Subscribe") { [unowned self] call throws(ErrorReply) in try subscribeRing(call) }
    handle("Events", streaming: .required) { [unowned self] call throws(ErrorReply) in
      try stream(call)
    }
  }

  private func ring(_ device: ManagedDevice, _ capacity: Int) throws(ErrorReply) -> SharedRing {
    guard let object = device.object else {
      throw ClientError.wrongState(device, "the device has not been connected: connect it first")
    }
    do throws(InterruptSyncError) {
      return try SharedRing(of: object, capacity: capacity)
    } catch { throw ClientError.system(error) }
  }

  private func subscribeRing(_ call: VarlinkCall) throws(ErrorReply) {
    let device = try device(call, .observe)
    let capacity = call.parameters["capacity"]?.int64 ?? 1024
    guard (16...65536).contains(capacity) else { throw .invalidParameter("capacity") }
    let ring = try ring(device, Int(capacity))
    let number = try subscribe(call)
    let user = call.peer.user
    device.rings[number] = ring
    call.connection.whenClosed { [weak self, weak device] in
      device?.rings[number] = nil
      self?.unsubscribe(user)
    }
    call.reply(
      [
        "ring": 0, "event": 1, "captures": .array(device.captures.map { .string($0) }),
      ], descriptors: [ring.memory, ring.event])
  }

  private func stream(_ call: VarlinkCall) throws(ErrorReply) {
    let device = try device(call, .observe)
    let ring = try ring(device, 64)
    let number = try subscribe(call)
    let user = call.peer.user
    let stream: EventStream
    do throws(VarlinkError) {
      stream = try EventStream(call, ring: ring, of: device, on: loop)
    } catch {
      unsubscribe(user)
      throw ClientError.system(error)
    }
    streams[number] = stream
    call.onCancel = { [weak self] in
      self?.streams[number]?.end()
      self?.streams[number] = nil
      self?.unsubscribe(user)
    }
  }
}
