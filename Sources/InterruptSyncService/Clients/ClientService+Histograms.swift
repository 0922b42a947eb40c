// Clients room. Histograms: the counts of times by their length, and their reset. The lines count
// all the time; a window is as long as the registry makes it. Control thread; no lock.
import InterruptSync
import UIO
import Varlink

extension ClientService {
  func addHistogramMethods() {
    handle("GetHistograms") { [unowned self] call throws(ErrorReply) in
      let period =
        call.parameters["period"]?.string.flatMap(InterruptHistogram.Period.init) ?? .start
      let isOne = call.parameters["device"]?.string != nil
      let devices = isOne ? [try device(call, .observe)] : visible(call.peer)
      call.reply([
        "devices": .array(
          devices.map { .object($0.snapshot.histogramsJSON(over: period, withBuckets: isOne)) })
      ])
    }
    handle("ResetHistograms") { [unowned self] call throws(ErrorReply) in
      try device(call, .control).object?.resetHistograms()
      call.reply()
    }
  }
}

extension DeviceSnapshot {
  fileprivate func histogramsJSON(
    over period: InterruptHistogram.Period, withBuckets: Bool
  ) -> JSONObject {
    let all = InterruptHistogram.Quantity.allCases.compactMap { quantity in
      histogram(of: quantity, over: period).map { $0.json(quantity, withBuckets: withBuckets) }
    }
    return ["id": .string(id), "histograms": .array(all)]
  }
}

extension InterruptHistogram {
  fileprivate func json(_ quantity: Quantity, withBuckets: Bool) -> JSON {
    var object: JSONObject = [
      "what": .string(quantity.rawValue), "count": JSON(count),
      "sumNanoseconds": JSON(sum.inNanoseconds),
    ]
    func add(_ name: String, _ time: Duration?) {
      if let time { object["\(name)Nanoseconds"] = JSON(time.inNanoseconds) }
    }
    add("p50", percentile(50))
    add("p90", percentile(90))
    add("p99", percentile(99))
    add("p999", percentile(99.9))
    add("longest", longest)
    if withBuckets {
      object["buckets"] = .array(
        buckets.map {
          [
            "fromNanoseconds": JSON($0.lower.inNanoseconds),
            "toNanoseconds": JSON($0.upper.inNanoseconds), "count": JSON($0.count),
          ]
        })
    }
    return .object(object)
  }
}
