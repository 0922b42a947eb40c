import FoundationEssentials
import InterruptSync
import Testing

@testable import InterruptSyncService

private func record() -> StatusRecord {
  var statistics = InterruptStatistics()
  statistics.interrupts = 12
  statistics.dispatches = 10
  statistics.claimed = 9
  statistics.unclaimed = 1
  statistics.coalesced = 2
  statistics.longestHold = .nanoseconds(12_345)
  return StatusRecord(
    device: "uio0 \"x\"", state: "connected", statistics: statistics, rate: 1000.04)
}

@Test func statusAsJSONHasTheStatedFieldsOnOneLine() throws {
  let text = record().json
  #expect(!text.contains("\n"))
  let object = try JSONDecoder().decode([String: JSONValue].self, from: Data(text.utf8))
  #expect(object["device"] == .text("uio0 \"x\""))
  #expect(object["state"] == .text("connected"))
  #expect(object["rate"] == .number(1000))
  for (name, value) in [
    ("interrupts", 12.0), ("dispatches", 10), ("claimed", 9), ("unclaimed", 1), ("coalesced", 2),
    ("storms", 0), ("rearmFailures", 0), ("longestHoldNanoseconds", 12_345),
  ] {
    #expect(object[name] == .number(value), "\(name)")
  }
}

@Test func statusAsJSONIsWrittenTheSameWayEachTime() {
  var record = record()
  #expect(
    record.json
      == #"{"claimed":9,"coalesced":2,"device":"uio0 \"x\"","dispatches":10,"interrupts":12,"#
      + #""longestHoldNanoseconds":12345,"longestWaitNanoseconds":0,"passes":0,"rate":1000,"#
      + #""rearmFailures":0,"state":"connected","storms":0,"unclaimed":1}"#)
  record.rate = 0.1
  #expect(record.json.contains(#""rate":0.1,"#))
}

@Test func statusAsTextLeavesOutWhatIsZeroAndShouldBe() {
  let text = record().line
  #expect(text.contains("interrupts 12, dispatches 10, claimed 9, unclaimed 1, coalesced 2"))
  #expect(text.contains("longest hold 12.3 µs"))
  #expect(!text.contains("storms"))
}

private enum JSONValue: Decodable, Equatable {
  case text(String)
  case number(Double)

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let number = try? container.decode(Double.self) {
      self = .number(number)
    } else {
      self = .text(try container.decode(String.self))
    }
  }
}
