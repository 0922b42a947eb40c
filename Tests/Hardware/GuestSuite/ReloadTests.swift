// Reloads and returns of a device: settings from its file apply, and a client's disconnect remains. A
// daemon of its own per case.
import Glibc
import Varlink

enum ReloadTests {
  static let cases = [
    Case("serviceDeviceThatAClientDisconnectedStaysSo", disconnected),
    Case("serviceDeviceFollowsItsFileAndCountsOn", changed),
  ]

  private static let edu = "pci-\(Guest.eduA)"
  private static let named: JSONObject = ["device": .string(edu)]

  private static func files(_ device: String = "") -> [String: String] {
    [
      "devices/50-edu.device":
        "[Match]\nId=\(edu)\n[Device]\n\(device)\n[Routine]\nClaim=bar0:0x24/32\nAcknowledge=bar0:0x64/32=claimed"
    ]
  }

  private static func raise(_ count: UInt32) throws {
    try Guest.open(Guest.eduA).region(bar: 0).raise(1...count)
  }

  private static func disconnected() throws {
    let daemon = try ServiceDaemon(files())
    let client = try daemon.client()
    try Guest.waitFor("the device") { client.state(edu) == "connected" }
    try client.ask("Disconnect", named)
    try client.ask("Reload")
    try expectEqual(client.state(edu), "listed", "state after a reload")
    Guest.unbind(Guest.eduA)
    try Guest.waitFor("its end") { client.refusal("DescribeDevice", named) == "NoSuchDevice" }
    try Guest.bind(Guest.eduA)
    try Guest.waitFor("its return") { client.state(edu) == "listed" }
    try client.ask("Reload")
    try expectEqual(client.state(edu), "listed", "state after its return and a reload")
    try client.ask("Connect", ["device": .string(edu), "persistent": true])
    try raise(10)
    try Guest.waitFor("its interrupts") { try client.interrupts(edu) == 10 }
    Guest.unbind(Guest.eduA)
    try Guest.waitFor("its end") { client.state(edu) == "gone" }
    try Guest.bind(Guest.eduA)
    try Guest.waitFor("its return") { client.state(edu) == "connected" }
    try daemon.end()
  }

  private static func mode(_ client: VarlinkClient) throws -> String? {
    try client.ask("DescribeDevice", named).parameters["device"]?.object?["mode"]?.string
  }

  private static func changed() throws {
    let opened = try Guest.open(Guest.eduA)
    let before = try Guest.event(opened)
    let daemon = try ServiceDaemon(files())
    let client = try daemon.client()
    try Guest.waitFor("the device") { client.state(edu) == "connected" }
    try raise(5)
    try client.ask("SetMode", ["device": .string(edu), "mode": "repeat"])
    try raise(5)
    try client.ask("Reload")
    try expectEqual(try mode(client), "normal", "mode after a reload")
    try daemon.write(files("Mode=all"))
    try client.ask("Reload")
    try expectEqual(try mode(client), "all", "mode of the changed file")
    // While attached, the device stays with the client. It follows its file afterwards.
    try client.ask("Attach", named)
    try daemon.write(files("Mode=repeat"))
    try client.ask("Reload")
    try expectEqual(client.state(edu), "attached", "state after a reload")
    try client.ask("Detach", named)
    try expectEqual(try mode(client), "repeat", "mode once it is detached")
    try raise(5)
    // By the kernel's count: in mode repeat a further pass may service the next of them before the
    // line is re-armed, and then it does not interrupt.
    let raised = UInt64(try Guest.event(opened) &- before)
    try expect(raised >= 7 && raised <= 15, "the kernel counted \(raised)")
    try Guest.waitFor("\(raised) interrupts, not \((try? client.interrupts(edu)) ?? 0)") {
      try client.interrupts(edu) == raised
    }
    try daemon.end()
  }
}
