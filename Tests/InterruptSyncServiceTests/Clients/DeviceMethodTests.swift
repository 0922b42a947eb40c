// io.interruptsync against the built daemon: looking and changing.
import Glibc
import TestSupport
import Testing
import UIO
import Varlink

@testable import InterruptSyncService

@Test func clientsSeeTheDevicesThatFilesMake() throws {
  let daemon = try RunningDaemon(softwareLines("soft0", "soft1"))
  let client = try daemon.client()
  let devices = try client.ask("ListDevices")["devices"]?.array?.compactMap(\.object) ?? []
  #expect(devices.compactMap { $0["id"]?.string }.suffix(2) == ["soft0", "soft1"])
  for device in devices.suffix(2) {
    #expect(device["state"] == "connected" && device["mode"] == "normal")
    #expect(device["file"] == "10-soft.device")
  }
  #expect(client.refusal("DescribeDevice", ["device": "nothing"]) == "NoSuchDevice")
  #expect(daemon.stop() == 0)
}

@Test func clientsCountWhatTheyTrigger() throws {
  let daemon = try RunningDaemon(softwareLines("soft"))
  let client = try daemon.client()
  _ = try client.ask("Trigger", ["device": "soft", "count": 41])
  _ = try client.ask("Trigger", ["device": "soft"])
  try eventually("42 interrupts") { try client.interrupts("soft") == 42 }
  for count: JSON in [0, -1, 1_000_001, .unsigned(.max)] {
    #expect(client.refusal("Trigger", ["device": "soft", "count": count]) == "InvalidParameter")
  }
}

@Test func clientsConnectAndDisconnect() throws {
  let daemon = try RunningDaemon(softwareLines("soft"))
  let client = try daemon.client()
  #expect(client.refusal("Connect", ["device": "soft"]) == "WrongState")
  _ = try client.ask("Disconnect", ["device": "soft"])
  #expect(try client.state("soft") == "listed")
  _ = try client.ask("Trigger", ["device": "soft", "count": 3])
  #expect(try client.interrupts("soft") == 0)
  // A connect that is not persistent ends with its connection.
  do {
    let other = try daemon.client()
    _ = try other.ask("Connect", ["device": "soft"])
    try eventually("what was kept") { try client.interrupts("soft") == 3 }
  }
  try eventually("the end of the connection") { try client.state("soft") == "listed" }
  do {
    let other = try daemon.client()
    _ = try other.ask("Connect", ["device": "soft", "persistent": true])
  }
  _ = try client.ask("Trigger", ["device": "soft"])
  try eventually("one more") { try client.interrupts("soft") == 4 }
  #expect(try client.state("soft") == "connected")
}

@Test func clientsChangeModeAndPolicyAndCountsGoOn() throws {
  let daemon = try RunningDaemon(softwareLines("soft"))
  let client = try daemon.client()
  _ = try client.ask("Trigger", ["device": "soft", "count": 2])
  try eventually("two") { try client.interrupts("soft") == 2 }
  _ = try client.ask("SetMode", ["device": "soft", "mode": "all"])
  _ = try client.ask("SetPolicy", ["device": "soft", "policy": "other"])
  let device = try client.ask("DescribeDevice", ["device": "soft"])["device"]?.object
  #expect(device?["mode"] == "all" && device?["state"] == "connected")
  _ = try client.ask("Trigger", ["device": "soft"])
  try eventually("three") { try client.interrupts("soft") == 3 }
  #expect(client.refusal("SetMode", ["device": "soft", "mode": "some"]) == "InvalidParameter")
  for wrong: JSONObject in [
    ["policy": "fifo"], ["policy": "fifo", "priority": 100], ["policy": "other", "priority": 1],
    ["policy": "idle"], ["policy": "other", "priority": .unsigned(.max)],
  ] {
    var parameters = wrong
    parameters["device"] = "soft"
    #expect(client.refusal("SetPolicy", parameters) == "InvalidParameter")
  }
}

@Test func integersBeyondTheirRangeAreNotTakenForAbsent() throws {
  let daemon = try RunningDaemon(softwareLines("soft"))
  let client = try daemon.client()
  for (method, parameter) in [
    ("Trigger", "count"), ("Subscribe", "capacity"), ("Attach", "deadlineMicroseconds"),
  ] {
    for value: JSON in [.integer(.max), .unsigned(1 << 63), .unsigned(.max), -1, 0] {
      #expect(
        client.refusal(method, ["device": "soft", parameter: value]) == "InvalidParameter",
        "\(method) \(value)")
    }
  }
  #expect(try client.interrupts("soft") == 0)
}

@Test func watchersAreToldOfChanges() throws {
  let daemon = try RunningDaemon(softwareLines("soft"))
  let client = try daemon.client()
  let watcher = try daemon.client()
  var replies = try watcher.stream("io.interruptsync.WatchDevices")
  #expect(try replies.next()?.parameters["event"] == "present")
  _ = try client.ask("Disconnect", ["device": "soft"])
  let change = try replies.next()?.parameters
  #expect(change?["event"] == "changed")
  #expect(change?["devices"]?.array?.first?.object?["state"] == "listed")
  #expect(client.refusal("WatchDevices") == "ExpectedMore")
}

@Test func metricsHaveEveryDevice() throws {
  let daemon = try RunningDaemon(softwareLines("soft"))
  let client = try daemon.client()
  _ = try client.ask("Trigger", ["device": "soft", "count": 7])
  try eventually("seven") { try client.interrupts("soft") == 7 }
  let text = try client.ask("GetMetrics")["text"]?.string ?? ""
  #expect(text.contains("interruptsync_interrupts_total{device=\"soft\"} 7\n"))
  #expect(text.hasSuffix("# EOF\n"))
}

@Test func reloadIsAllOrNothing() throws {
  let daemon = try RunningDaemon(softwareLines("soft"))
  let client = try daemon.client()
  _ = try client.ask("Trigger", ["device": "soft", "count": 5])
  try eventually("five") { try client.interrupts("soft") == 5 }
  let path = "etc/interruptsync/devices/10-soft.device"
  try daemon.folder.write(path, "[Match]\nSoftwareLine=other\nColour=green\n[Device]\nMode=best\n")
  do {
    _ = try client.ask("Reload")
    Issue.record("a configuration with faults was accepted")
  } catch {
    let faults = (error as? VarlinkError)?.reply?.parameters["diagnostics"]?.array ?? []
    #expect(faults.count == 2)
    #expect(faults.first?.object?["line"] == 3 && faults.last?.object?["line"] == 5)
  }
  #expect(try client.state("soft") == "connected")
  try daemon.folder.write(path, "[Match]\nSoftwareLine=soft more\n[Device]\nMode=all\n")
  _ = try client.ask("Reload")
  #expect(try client.state("more") == "connected")
  #expect(try client.interrupts("soft") == 5)
  try daemon.folder.write(path, "[Match]\nSoftwareLine=more\n")
  daemon.signal(SIGHUP)
  try eventually("the line that is no more") {
    client.refusal("DescribeDevice", ["device": "soft"]) == "NoSuchDevice"
  }
}
