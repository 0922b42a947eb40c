// Calls that read devices and counters, and answers that do not match the interface, against a fake
// daemon.
import Testing
import Varlink

@testable import InterruptSyncClient

private let card: JSONObject = [
  "id": "pci-0000:00:03.0", "number": 2, "name": "edu", "driver": "uio_pci_generic",
  "state": "failed", "failure": "no file", "file": "50-edu.device", "mode": "all",
  "rearm": "pci-command", "routines": ["one", "two"], "irq": 11,
  "thread": "cards", "processors": [0, 2], "interruptProcessors": [1],
  "regions": [["name": "bar0", "kind": "memory", "address": 0xfeb0_0000, "size": 0x10_0000]],
]

private let line: JSONObject = [
  "id": "beat", "name": "software", "state": "connected", "routines": [], "regions": [],
]

private let counts: JSONObject = [
  "id": "beat", "interrupts": .unsigned(.max), "dispatches": 2, "coalesced": 3, "claimed": 4,
  "unclaimed": 5, "passes": 6, "rearmFailures": 7, "storms": 8, "synchronizedCalls": 9,
  "longestHoldNanoseconds": 10, "longestWaitNanoseconds": 11,
  "routines": [["name": "one", "calls": 12, "claims": 13]],
]

@Test func listedDevicesHaveEveryMember() throws {
  let daemon = try FakeDaemon("ListDevices", ["devices": [.object(card), .object(line)]])
  let devices = try daemon.client().listDevices()
  try #require(devices.count == 2)
  let first = devices[0]
  #expect(first.id == "pci-0000:00:03.0")
  #expect(first.number == 2)
  #expect(first.name == "edu")
  #expect(first.driver == "uio_pci_generic")
  #expect(first.state == .failed)
  #expect(first.failure == "no file")
  #expect(first.file == "50-edu.device")
  #expect(first.mode == "all")
  #expect(first.rearm == "pci-command")
  #expect(first.routines == ["one", "two"])
  #expect(first.thread == "cards")
  #expect(first.processors == [0, 2])
  #expect(first.interruptProcessors == [1])
  #expect(first.irq == 11)
  #expect(first.regions.map(\.name) == ["bar0"])
  #expect(first.regions.first?.kind == .memory)
  #expect(first.regions.first?.address == 0xfeb0_0000)
  #expect(first.regions.first?.size == 0x10_0000)
  #expect(!first.isServiced)
  #expect(devices[1].number == nil)
  #expect(devices[1].isServiced)
}

@Test func describedDeviceIsTheOneAskedFor() throws {
  let asked = Seen<String>()
  let daemon = try FakeDaemon(
    .init(name: "DescribeDevice") { call in
      asked.add(call.parameters["device"]?.string ?? "")
      call.reply(["device": .object(line)])
    })
  #expect(try daemon.client().describe("beat").id == "beat")
  #expect(asked.all == ["beat"])
}

@Test func statisticsKeepAll64Bits() throws {
  let daemon = try FakeDaemon("GetStatistics", ["statistics": [.object(counts)]])
  let one = try daemon.client().statistics(of: "beat")
  #expect(one.interrupts == .max)
  #expect(
    [
      one.dispatches, one.coalesced, one.claimed, one.unclaimed, one.passes, one.rearmFailures,
      one.storms, one.synchronizedCalls,
    ] == [2, 3, 4, 5, 6, 7, 8, 9])
  #expect(one.longestHold == .nanoseconds(10))
  #expect(one.longestWait == .nanoseconds(11))
  #expect(one.routines.map(\.name) == ["one"])
  #expect(one.routines.map(\.calls) == [12])
  #expect(one.routines.map(\.claims) == [13])
  #expect(try daemon.client().statistics().map(\.id) == ["beat"])
}

@Test func statisticsOfOneDeviceAreOfOne() throws {
  let daemon = try FakeDaemon("GetStatistics", ["statistics": []])
  let error = failure { _ = try daemon.client().statistics(of: "beat") }
  #expect(error?.code == .protocolViolation)
}

@Test func histogramsAreOfTheAskedDeviceAndPeriod() throws {
  let asked = Seen<JSONObject>()
  let daemon = try FakeDaemon(
    .init(name: "GetHistograms") { call in
      asked.add(call.parameters)
      call.reply([
        "devices": [
          [
            "id": "beat",
            "histograms": [
              [
                "what": "service", "count": 3, "sumNanoseconds": 4000, "p50Nanoseconds": 900,
                "longestNanoseconds": 2100,
                "buckets": [
                  ["fromNanoseconds": 800, "toNanoseconds": 900, "count": 2],
                  ["fromNanoseconds": 2000, "toNanoseconds": 2100, "count": 1],
                ],
              ], ["what": "wait", "count": 0, "sumNanoseconds": 0],
            ],
          ]
        ]
      ])
    })
  let one = try daemon.client().histograms(of: "beat", over: .window)
  #expect(asked.all == [["device": "beat", "period": "window"]])
  let service = try #require(one[.service])
  #expect(service.count == 3)
  #expect(service.sum == .nanoseconds(4000))
  #expect(service.p50 == .nanoseconds(900))
  #expect(service.p99 == nil)
  #expect(service.longest == .nanoseconds(2100))
  #expect(service.buckets.map(\.count) == [2, 1])
  #expect(service.buckets.first?.lower == .nanoseconds(800))
  #expect(one.histograms.map(\.quantity) == [.service, .wait])
  #expect(one[.interval] == nil)
  #expect(one[.wait]?.longest == nil)
  #expect(one[.wait]?.buckets.isEmpty == true)
  #expect(try daemon.client().histograms().map(\.id) == ["beat"])
  #expect(asked.all.last == ["period": "start"])
}

@Test func histogramsOfOneDeviceAreOfOne() throws {
  let daemon = try FakeDaemon("GetHistograms", ["devices": []])
  let error = failure { _ = try daemon.client().histograms(of: "beat") }
  #expect(error?.code == .protocolViolation)
}

@Test func aResetNamesItsDevice() throws {
  let asked = Seen<String>()
  let daemon = try FakeDaemon(
    .init(name: "ResetHistograms") { call in
      asked.add(call.parameters["device"]?.string ?? "")
      call.reply()
    })
  try daemon.client().resetHistograms(of: "beat")
  #expect(asked.all == ["beat"])
}

@Test func metricsAreTheText() throws {
  let daemon = try FakeDaemon("GetMetrics", ["text": "# EOF\n"])
  #expect(try daemon.client().metrics() == "# EOF\n")
}

@Test func watchedDevicesComeOneChangeAfterTheOther() throws {
  let daemon = try FakeDaemon(
    .init(name: "WatchDevices", streaming: .required) { call in
      _ = call.send(["event": "present", "devices": [.object(line), .object(card)]])
      call.reply(["event": "removed", "devices": [.object(card)]])
    })
  var changes = try daemon.client().watchDevices()
  let first = try #require(try changes.next())
  #expect(first.event == .present)
  #expect(first.devices.map(\.id) == ["beat", "pci-0000:00:03.0"])
  #expect(try changes.next(timeout: .seconds(60))?.event == .removed)
  #expect(try changes.next() == nil)
}

@Test func watchThatHearsNothingTimesOutAndGoesOn() throws {
  let daemon = try FakeDaemon(
    .init(name: "WatchDevices", streaming: .required) { call in
      _ = call.send(["event": "present", "devices": []])
      // The call stays open until its client goes.
      call.onCancel = { _ = call }
    })
  let client = try daemon.client()
  var changes = try client.watchDevices()
  #expect(try changes.next()?.event == .present)
  for _ in 0..<2 {
    let error = failure { _ = try changes.next(timeout: .milliseconds(20)) }
    #expect(error?.code == .timedOut)
  }
}

@Test(
  arguments: [
    (["devices": 1], "devices"), ([:], "devices"),
    (["devices": [["id": "x"]]], "name"),
    (["devices": [["id": 1, "name": "x"]]], "id"),
  ] as [(JSONObject, String)])
func answersThatAreNotAsDeclaredAreTold(reply: JSONObject, member: String) throws {
  // Without the server, whose own check rejects such answers: only another version sends them.
  let error = failure {
    let reader = ReplyReader(reply, device: "d", operation: "o")
    _ = try reader.list("devices", Device.init)
  }
  #expect(error?.code == .protocolViolation)
  #expect(error?.cause.contains(member) == true)
}

@Test func stateOfALaterVersionIsUnknown() throws {
  var object = line
  object["state"] = "sleeping"
  let device = try Device(ReplyReader(object, device: "d", operation: "o"))
  #expect(device.state == .unknown)
}
