// Looking: devices, statistics, metrics.
import InterruptSync
import UIO
import Varlink

extension ClientService {
  func addDeviceMethods() {
    handle("ListDevices") { [unowned self] call in
      let seen = registry.devices.filter { mayObserve(call.peer, $0) }
      call.reply(["devices": .array(seen.map { .object($0.json) })])
    }
    handle("DescribeDevice") { [unowned self] call throws(ErrorReply) in
      call.reply(["device": .object(try device(call, .observe).json)])
    }
    handle("GetStatistics") { [unowned self] call throws(ErrorReply) in
      let devices: [ManagedDevice]
      if call.parameters["device"]?.string != nil {
        devices = [try device(call, .observe)]
      } else {
        devices = registry.devices.filter { mayObserve(call.peer, $0) }
      }
      call.reply(["statistics": .array(devices.map { .object($0.statisticsJSON) })])
    }
    handle("GetMetrics") { [unowned self] call in
      let seen = registry.devices.filter { mayObserve(call.peer, $0) }
      call.reply(["text": .string(OpenMetrics.text(seen))])
    }
    handle("WatchDevices", streaming: .required) { [unowned self] call in watch(call) }
  }

  /// Everything first, then what changes. A client that does not keep up is told everything again
  /// once it has read.
  private func watch(_ call: VarlinkCall) {
    let peer = call.peer
    let present: () -> Void = { [unowned self, unowned call] in
      _ = call.send(
        Self.event("present", registry.devices.filter { mayObserve(peer, $0) }))
    }
    let observer = registry.observe { [unowned self, unowned call] change, device in
      guard mayObserve(peer, device) else { return }
      guard call.onRoom == nil else { return }
      if call.send(Self.event(change.rawValue, [device])) == .full {
        call.onRoom = { [unowned call] in
          call.onRoom = nil
          present()
        }
      }
    }
    watched[observer] = call
    call.onCancel = { [unowned self] in
      registry.endObserving(observer)
      watched[observer] = nil
    }
    present()
  }

  private static func event(_ event: String, _ devices: [ManagedDevice]) -> JSONObject {
    ["event": .string(event), "devices": .array(devices.map { .object($0.json) })]
  }
}
