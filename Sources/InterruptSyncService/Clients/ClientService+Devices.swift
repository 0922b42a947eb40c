// Clients room. Methods that only read: devices, statistics, metrics, and changes of devices; and
// the JSON of devices. The Varlink server calls them for clients' messages, DeviceRegistry calls
// the observers of changes. Control thread; no interrupt lock is held or taken.
import InterruptSync
import UIO
import Varlink

extension ClientService {
  func addDeviceMethods() {
    handle("ListDevices") { [unowned self] call in
      call.reply(["devices": .array(visible(call.peer).map { .object($0.json) })])
    }
    handle("DescribeDevice") { [unowned self] call throws(ErrorReply) in
      call.reply(["device": .object(try device(call, .observe).json)])
    }
    handle("GetStatistics") { [unowned self] call throws(ErrorReply) in
      let devices: [ManagedDevice]
      if call.parameters["device"]?.string != nil {
        devices = [try device(call, .observe)]
      } else {
        devices = visible(call.peer)
      }
      call.reply(["statistics": .array(devices.map { .object($0.snapshot.statisticsJSON) })])
    }
    handle("GetMetrics") { [unowned self] call in
      call.reply(["text": .string(OpenMetrics.text(visible(call.peer).map(\.snapshot)))])
    }
    handle("WatchDevices", streaming: .required) { [unowned self] call in watch(call) }
  }

  /// The devices that a peer may observe.
  func visible(_ peer: PeerCredentials) -> [ManagedDevice] {
    registry.devices.filter { mayObserve(peer, $0) }
  }

  /// Sends every device first, then those that change. A client that does not keep up gets every
  /// device again once it has read.
  private func watch(_ call: VarlinkCall) {
    let peer = call.peer
    let present: () -> Void = { [unowned self, unowned call] in
      _ = call.send(Self.event("present", visible(peer)))
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

// MARK: JSON, as the interface describes it

extension ManagedDevice {
  fileprivate var json: JSONObject {
    var object: JSONObject = ["id": .string(id)]
    if let number = info?.number { object["number"] = .integer(Int64(number)) }
    object["name"] = .string(name)
    if let driver = info?.driver { object["driver"] = .string(driver) }
    object["state"] = .string(state.rawValue)
    if let failure {
      object["failure"] = .string(failure.message)
      if !failure.hint.isEmpty { object["failureHint"] = .string(failure.hint) }
    }
    if let file { object["file"] = .string(file) }
    if let settings = configuration?.settings {
      object["mode"] = .string((mode ?? settings.mode).description)
      object["thread"] = .string(settings.dispatcherGroup ?? id)
      object["processors"] = Self.list(settings.dispatcher.processors)
      object["interruptProcessors"] = Self.list(settings.dispatcher.interruptProcessors)
    }
    if let line { object["rearm"] = .string(line.rearmName) }
    object["routines"] = .array(routines.map { .string($0.name) })
    let unsilenced = unsilenced
    if !unsilenced.isEmpty { object["unsilenced"] = .array(unsilenced.map { .string($0) }) }
    if let irq = info?.irq { object["irq"] = .integer(Int64(irq)) }
    object["regions"] = .array(regionsJSON)
    return object
  }

  /// Nil for none.
  private static func list(_ processors: Set<Int>) -> JSON? {
    processors.isEmpty ? nil : .array(processors.sorted().map { .integer(Int64($0)) })
  }

  private var regionsJSON: [JSON] {
    guard let info else { return [] }
    func region(_ name: String, _ kind: String, _ address: UInt64, _ size: UInt64) -> JSON {
      [
        "name": .string(name), "kind": .string(kind), "address": JSON(address), "size": JSON(size),
      ]
    }
    let maps = (info.uio?.maps ?? []).map {
      region("map\($0.index)", "memory", $0.address &+ $0.offset, $0.usableSize)
    }
    let bars = (info.pci?.bars ?? []).map {
      region("bar\($0.number)", $0.kind == .memory ? "memory" : "port", $0.address, $0.size)
    }
    let ports = (info.uio?.portRegions ?? []).map {
      region("port\($0.index)", "port", UInt64($0.start), UInt64($0.size))
    }
    return bars + maps + ports
  }
}

extension DeviceSnapshot {
  fileprivate var statisticsJSON: JSONObject {
    let counted = zip(routines, statistics.routines).map { routine, counts -> JSON in
      ["name": .string(routine), "calls": JSON(counts.calls), "claims": JSON(counts.claims)]
    }
    return [
      "id": .string(id), "interrupts": JSON(statistics.interrupts),
      "dispatches": JSON(statistics.dispatches), "coalesced": JSON(statistics.coalesced),
      "claimed": JSON(statistics.claimed), "unclaimed": JSON(statistics.unclaimed),
      "passes": JSON(statistics.passes), "rearmFailures": JSON(statistics.rearmFailures),
      "storms": JSON(statistics.storms), "claimedStorms": JSON(statistics.claimedStorms),
      "synchronizedCalls": JSON(statistics.synchronizedCalls),
      "longestHoldNanoseconds": JSON(statistics.longestHoldNanoseconds),
      "longestWaitNanoseconds": JSON(statistics.longestWaitNanoseconds),
      "routines": .array(counted),
    ]
  }
}
