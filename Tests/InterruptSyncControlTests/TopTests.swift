// What top draws, at 80 and at 120 columns, and what its keys do: without a terminal or a daemon.
import LinuxSystem
import Testing
import Varlink

@testable import InterruptSyncClient
@testable import interruptsyncctl

/// A line of the daemon's, and what it has counted so far.
private struct Line {
  let id: String
  var state = "connected"
  var interrupts: UInt64 = 0
  var unclaimed: UInt64 = 0
  var storms: UInt64 = 0
  var p50: UInt64?
  var p99: UInt64?
  var longest: UInt64?

  private func reader(_ object: JSONObject) -> ReplyReader {
    ReplyReader(object, device: id, operation: "test")
  }

  func device() throws -> Device {
    try Device(
      reader([
        "id": .string(id), "name": .string(id), "state": .string(state), "routines": [],
        "regions": [],
      ]))
  }

  func statistics() throws -> DeviceStatistics {
    var object: JSONObject = ["id": .string(id), "routines": []]
    for name in [
      "dispatches", "coalesced", "claimed", "passes", "rearmFailures", "synchronizedCalls",
      "longestHoldNanoseconds", "longestWaitNanoseconds",
    ] { object[name] = 0 }
    object["interrupts"] = JSON(interrupts)
    object["unclaimed"] = JSON(unclaimed)
    object["storms"] = JSON(storms)
    return try DeviceStatistics(reader(object))
  }

  func service() throws -> DeviceHistogram {
    var object: JSONObject = ["what": "service", "count": 1, "sumNanoseconds": 1]
    for (name, time) in [("p50", p50), ("p99", p99), ("longest", longest)] {
      if let time { object["\(name)Nanoseconds"] = JSON(time) }
    }
    return try DeviceHistogram(reader(object))
  }
}

private func sample(_ lines: [Line]) throws -> Top.Sample {
  Top.Sample(
    devices: try lines.map { try $0.device() },
    statistics: Dictionary(
      uniqueKeysWithValues: try lines.map { ($0.id, try $0.statistics()) }),
    service: Dictionary(uniqueKeysWithValues: try lines.map { ($0.id, try $0.service()) }))
}

/// A minute of a card whose rate rises, of a vector that is steady, of a line that storms, and of one
/// that has come to its end.
private func minute() throws -> TopView {
  var view = TopView(sort: .rate)
  var card = Line(id: "pci-0000:00:03.0", p50: 3_540, p99: 12_800, longest: 1_230_000)
  var vector = Line(id: "pci-0000:01:00.0/msix3", p50: 820, p99: 1_100, longest: 2_100)
  var storm = Line(id: "platform-4a300000.pruss+pruss_evt2", state: "storming")
  let gone = Line(id: "beat", state: "gone", interrupts: 17)
  for second in 0...60 {
    if second > 0 {
      card.interrupts += UInt64(second) * 500
      vector.interrupts += 48_000
      if second > 50 {
        storm.unclaimed += 1000
        storm.interrupts += 1000
        storm.storms = 3
      }
    }
    view.add(try sample([card, vector, storm, gone]), at: .seconds(second))
  }
  return view
}

private let plain = Style(.never)

private func drawn(_ view: TopView, _ columns: Int, _ rows: Int = 24) -> [String] {
  view.text(.init(columns: columns, rows: rows), clock: "14:23:05", plain)
    .split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
}

@Test func topFitsEightyColumnsWithRealNames() throws {
  let lines = drawn(try minute(), 80)
  #expect(lines == eighty)
  #expect(lines.allSatisfy { $0.count <= 80 })
}

@Test func topUsesWhatIsWider() throws {
  let lines = drawn(try minute(), 120)
  #expect(lines == wide)
  #expect(lines.allSatisfy { $0.count <= 120 })
}

@Test(arguments: [40, 60, 80, 100, 132, 200, 300])
func topNeverIsWiderThanTheTerminal(columns: Int) throws {
  let lines = drawn(try minute(), columns)
  #expect(lines.allSatisfy { $0.count <= columns }, "\(lines)")
}

@Test func linesThatHaveNoRoomAreCounted() throws {
  var view = TopView(sort: .device)
  let lines = (10..<50).map { Line(id: "line\($0)") }
  view.add(try sample(lines), at: .zero)
  view.add(try sample(lines), at: .seconds(1))
  let shown = drawn(view, 80, 10)
  #expect(shown.count == 10)
  #expect(shown.last == "and 34 lines more")
  #expect(drawn(view, 80, 43).count == 43)
  #expect(drawn(view, 80, 43).last?.hasPrefix("line49") == true)
}

@Test func keysSortHelpAndEnd() throws {
  var view = try minute()
  func press(_ key: Character) -> Bool { view.press(key.asciiValue ?? 0) }
  let orders: [(Character, String)] = [
    ("d", "beat"), ("s", "platform-4a300000.pruss+pruss_evt2"),
    ("u", "platform-4a300000.pruss+pruss_evt2"), ("p", "pci-0000:00:03.0"),
    ("t", "pci-0000:01:00.0/msix3"), ("r", "pci-0000:01:00.0/msix3"),
  ]
  for (key, device) in orders {
    #expect(press(key))
    #expect(view.sorted.first?.device == device, "\(key)")
  }
  #expect(press("x"))
  #expect(view.order == .rate)
  #expect(press("?"))
  let help = drawn(view, 80)
  #expect(help.first == "interruptsyncctl top: help")
  #expect(help.allSatisfy { $0.count <= 80 })
  for order in TopView.Order.allCases {
    #expect(help.joined().contains("\(order.rawValue.first!) "))
  }
  // A key goes back, and sorts nothing.
  #expect(press("d"))
  #expect(view.order == .rate)
  #expect(drawn(view, 80) == eighty)
  #expect(!press("q"))
  #expect(!press("\u{3}"))
}

@Test func theOrderOfEqualsIsThatOfTheirNames() throws {
  var view = TopView(sort: .rate)
  for second in 0...1 {
    view.add(try sample(["c", "a", "b"].map { Line(id: $0) }), at: .seconds(second))
  }
  #expect(view.sorted.map(\.device) == ["a", "b", "c"])
}

@Test func aLineThatIsNewHasNoRateOfWhatItCountedBefore() throws {
  var view = TopView(sort: .rate)
  view.add(try sample([]), at: .zero)
  view.add(try sample([Line(id: "a", interrupts: 1000)]), at: .seconds(1))
  #expect(view.rows.map(\.rate) == [0])
  view.add(try sample([Line(id: "a", interrupts: 1500)]), at: .seconds(3))
  #expect(view.rows.map(\.rate) == [250])
  // The daemon was restarted, and counts anew.
  view.add(try sample([Line(id: "a", interrupts: 3)]), at: .seconds(4))
  #expect(view.rows.map(\.rate) == [0])
}

@Test func aTraceForgetsWhatIsOlderThanAMinute() throws {
  var view = TopView(sort: .rate)
  view.add(try sample([Line(id: "a")]), at: .zero)
  view.add(try sample([Line(id: "a", interrupts: 100)]), at: .seconds(1))
  func trace() -> String { String(drawn(view, 120).last?.suffix(60) ?? "") }
  #expect(trace().contains("█"))
  for second in 2...70 {
    view.add(try sample([Line(id: "a", interrupts: 100)]), at: .seconds(second))
  }
  #expect(!trace().contains("█"))
  #expect(trace().contains("▁▁▁▁"))
}

@Test func barsShowWhatIsNotZero() {
  #expect(Bars.horizontal(0, of: 10, width: 10) == "")
  #expect(Bars.horizontal(10, of: 10, width: 10) == "██████████")
  #expect(Bars.horizontal(1, of: 1_000_000, width: 10) == "▏")
  #expect(Bars.horizontal(5, of: 10, width: 3) == "█▌")
  #expect(Bars.sparkline([nil, 0, 1, 50, 100], of: 100) == " ▁▂▅█")
  #expect(Bars.sparkline([0, 0], of: 0) == "▁▁")
}

// Wider than the style has it: each line is as it is drawn.
// swift-format-ignore
private let eighty = [
  "interruptsyncctl top  14:23:05  4 lines, 2 serviced, 1 in trouble  79.0k/s",
  "",
  "DEVICE                          STATE      RATE/s▾     50%     99%  LAST MINUTE",
  "pci-0000:01:00.0/msix3          connected    48.0k  820 ns  1.1 µs  ████████████",
  "pci-0000:00:03.0                connected    30.0k 3.54 µs 12.8 µs  ▂▃▃▄▄▅▆▆▇▇██",
  "platform-4a300000.pruss+pruss_… storming    1000.0       -       -  ▁▁▁▁▁▁▁▁▁▁██",
  "beat                            gone           0.0       -       -  ▁▁▁▁▁▁▁▁▁▁▁▁",
]
// swift-format-ignore
private let wide = [
  "interruptsyncctl top  14:23:05  4 lines, 2 serviced, 1 in trouble  79.0k/s  ?: help",
  "",
  "DEVICE                             STATE      RATE/s▾     50%     99% LONGEST  UNCL/s STORMS        TOTAL  LAST MINUTE",
  "pci-0000:01:00.0/msix3             connected    48.0k  820 ns  1.1 µs  2.1 µs     0.0      0      2880000  █████████████",
  "pci-0000:00:03.0                   connected    30.0k 3.54 µs 12.8 µs 1.23 ms     0.0      0       915000  ▂▃▃▄▄▅▅▆▆▇▇██",
  "platform-4a300000.pruss+pruss_evt2 storming    1000.0       -       -       -  1000.0      3        10000  ▁▁▁▁▁▁▁▁▁▁▁██",
  "beat                               gone           0.0       -       -       -     0.0      0           17  ▁▁▁▁▁▁▁▁▁▁▁▁▁",
]
