// A reload changes existing lines and the limits of clients.
import TestSupport
import Testing
import Varlink

@testable import InterruptSyncService

private let path = "etc/interruptsync/devices/10-soft.device"

private func mode(_ client: VarlinkClient, _ device: String = "soft") throws -> String? {
  try client.ask("DescribeDevice", ["device": .string(device)])["device"]?.object?["mode"]?.string
}

@Test func softwareLineFollowsItsFileAndCountsOn() throws {
  let daemon = try RunningDaemon(softwareLines("soft", "other"))
  let client = try daemon.client()
  _ = try client.ask("Trigger", ["device": "soft", "count": 5])
  try eventually("five") { try client.interrupts("soft") == 5 }
  try daemon.folder.write(path, "[Match]\nSoftwareLine=other\n")
  try daemon.folder.write(
    "etc/interruptsync/devices/05-soft.device", "[Match]\nSoftwareLine=soft\n[Device]\nMode=all\n")
  _ = try client.ask("Reload")
  let device = try client.ask("DescribeDevice", ["device": "soft"])["device"]?.object
  #expect(device?["mode"] == "all" && device?["file"] == "05-soft.device")
  #expect(device?["state"] == "connected")
  #expect(try mode(client, "other") == "normal")
  _ = try client.ask("Trigger", ["device": "soft", "count": 2])
  try eventually("seven") { try client.interrupts("soft") == 7 }
  #expect(daemon.stop() == 0)
}

@Test func whatWasTriggeredMeanwhileIsNotLostToAReload() throws {
  let daemon = try RunningDaemon(softwareLines("soft"))
  let (client, other) = (try daemon.client(), try daemon.client())
  for round in 1...20 {
    try daemon.folder.write(
      path, "[Match]\nSoftwareLine=soft\n[Device]\nMode=\(round % 2 == 0 ? "normal" : "all")\n")
    _ = try other.ask("Trigger", ["device": "soft", "count": 3])
    try client.send("io.interruptsync.Reload")
    _ = try other.ask("Trigger", ["device": "soft", "count": 4])
    _ = try client.receive("io.interruptsync.Reload")
    try eventually("round \(round)") { try client.interrupts("soft") == UInt64(7 * round) }
  }
}

@Test func modeThatAClientSetEndsWithAReload() throws {
  let daemon = try RunningDaemon(softwareLines("soft"))
  let client = try daemon.client()
  _ = try client.ask("SetMode", ["device": "soft", "mode": "repeat"])
  #expect(try mode(client) == "repeat")
  _ = try client.ask("Reload")
  #expect(try mode(client) == "normal")
  #expect(try client.state("soft") == "connected")
}

@Test func lineThatIsAsBeforeIsNotTouchedByAReload() throws {
  let daemon = try RunningDaemon(softwareLines("soft"))
  let client = try daemon.client()
  let watcher = try daemon.client()
  var replies = try watcher.stream("io.interruptsync.WatchDevices")
  _ = try replies.next()
  _ = try client.ask("Reload")
  _ = try client.ask("Disconnect", ["device": "soft"])
  let change = try replies.next()?.parameters
  #expect(change?["devices"]?.array?.first?.object?["state"] == "listed")
}

@Test func deviceThatAClientDisconnectedStaysSoOverReloads() throws {
  let daemon = try RunningDaemon(softwareLines("soft"))
  let client = try daemon.client()
  _ = try client.ask("Disconnect", ["device": "soft"])
  _ = try client.ask("Reload")
  #expect(try client.state("soft") == "listed")
  try daemon.folder.write(path, "[Match]\nSoftwareLine=soft\n[Device]\nMode=all\n")
  _ = try client.ask("Reload")
  #expect(try client.state("soft") == "listed")
  #expect(try mode(client) == "all")
  _ = try client.ask("Connect", ["device": "soft", "persistent": true])
  _ = try client.ask("Reload")
  #expect(try client.state("soft") == "connected")
}

@Test func attachedLineFollowsItsFileOnceItIsDetached() throws {
  let daemon = try RunningDaemon(softwareLines("soft"))
  let (client, owner) = (try daemon.client(), try daemon.client())
  _ = try owner.ask("Attach", ["device": "soft"])
  try daemon.folder.write(path, "[Match]\nSoftwareLine=soft\n[Device]\nMode=all\n")
  _ = try client.ask("Reload")
  #expect(try client.state("soft") == "attached")
  _ = try owner.ask("Detach", ["device": "soft"])
  #expect(try client.state("soft") == "connected")
  #expect(try mode(client) == "all")
  _ = try client.ask("Trigger", ["device": "soft", "count": 2])
  try eventually("two") { try client.interrupts("soft") == 2 }
}

@Test func limitsOfConnectionsAndMessagesFollowTheSettings() throws {
  let daemon = try RunningDaemon(softwareLines("soft"))
  let client = try daemon.client()
  let long: JSONObject = ["device": .string(String(repeating: "x", count: 10_000))]
  #expect(client.refusal("DescribeDevice", long) == "NoSuchDevice")
  let settings = "etc/interruptsync/interruptsyncd.conf"
  try daemon.folder.write(settings, "[Daemon]\nConnectionsPerUserMax=1\nMessageSizeMax=4K\n")
  _ = try client.ask("Reload")
  // This one was there before.
  #expect(try client.state("soft") == "connected")
  let second = try VarlinkClient(daemon.address, timeout: .seconds(60))
  #expect(second.refusal("ListDevices") == "?")
  try daemon.folder.write(settings, "[Daemon]\nConnectionsPerUserMax=2\nMessageSizeMax=4K\n")
  _ = try client.ask("Reload")
  let third = try VarlinkClient(daemon.address, timeout: .seconds(60))
  #expect(third.refusal("ListDevices") == "")
  #expect(third.refusal("DescribeDevice", long) == "?")
  #expect(client.refusal("DescribeDevice", long) == "?")
}
