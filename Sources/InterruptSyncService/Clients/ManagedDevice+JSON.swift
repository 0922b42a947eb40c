// Devices and their statistics, as the interface describes them.
import InterruptSync
import UIO
import Varlink

extension ManagedDevice {
  var json: JSONObject {
    var object: JSONObject = ["id": .string(id)]
    if let info { object["number"] = .integer(Int64(info.number)) }
    object["name"] = .string(name)
    if let driver = info?.driver { object["driver"] = .string(driver) }
    object["state"] = .string(state.rawValue)
    if let failure { object["failure"] = .string(failure) }
    if let file { object["file"] = .string(file) }
    if let settings = configuration?.settings {
      object["mode"] = .string((mode ?? settings.mode).description)
    }
    if let line { object["rearm"] = .string(line.strategy.rawValue) }
    object["routines"] = .array(routines.map { .string($0.name) })
    if let irq = info?.pci?.irq, irq > 0 { object["irq"] = .integer(Int64(irq)) }
    object["regions"] = .array(regionsJSON)
    return object
  }

  private var regionsJSON: [JSON] {
    guard let info else { return [] }
    func region(_ name: String, _ kind: String, _ address: UInt64, _ size: UInt64) -> JSON {
      [
        "name": .string(name), "kind": .string(kind), "address": JSON(address), "size": JSON(size),
      ]
    }
    let maps = info.maps.map {
      region("map\($0.index)", "memory", $0.address &+ $0.offset, $0.usableSize)
    }
    let bars = (info.pci?.bars ?? []).map {
      region("bar\($0.number)", $0.kind == .memory ? "memory" : "port", $0.address, $0.size)
    }
    let ports = info.portRegions.map {
      region("port\($0.index)", "port", UInt64($0.start), UInt64($0.size))
    }
    return bars + maps + ports
  }

  var statisticsJSON: JSONObject {
    let statistics = statistics
    let counted = zip(routines, statistics.routines).map { routine, counts -> JSON in
      [
        "name": .string(routine.name), "calls": JSON(counts.calls), "claims": JSON(counts.claims),
      ]
    }
    return [
      "id": .string(id), "interrupts": JSON(statistics.interrupts),
      "dispatches": JSON(statistics.dispatches), "coalesced": JSON(statistics.coalesced),
      "claimed": JSON(statistics.claimed), "unclaimed": JSON(statistics.unclaimed),
      "passes": JSON(statistics.passes), "rearmFailures": JSON(statistics.rearmFailures),
      "storms": JSON(statistics.storms), "synchronizedCalls": JSON(statistics.synchronizedCalls),
      "longestHoldNanoseconds": JSON(statistics.longestHoldNanoseconds),
      "longestWaitNanoseconds": JSON(statistics.longestWaitNanoseconds),
      "routines": .array(counted),
    ]
  }
}
