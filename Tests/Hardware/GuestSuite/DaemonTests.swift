// The daemon as a process on real devices, which it services by claim and acknowledgement registers,
// without code. Arguments or files configure it; clients have no part here.
import Glibc
import UIO

enum DaemonTests {
  static let cases = [
    Case("daemonServicesTwoDevicesByRecipe", twoDevices),
    Case("daemonConnectsAgainToADeviceThatCameBack", comesBack),
    Case("daemonEndsCleanlyOnSIGTERM", terminate),
    Case("daemonNamesWhatIsWrong", refusals),
    Case("daemonDoesNotTakeDevicesThatNobodyNamed", unnamed),
    Case("daemonBrakesADeviceItDoesNotClaim", storm),
    Case("daemonServesTheDevicesThatFilesAreFor", files),
  ]

  private static let recipe = ["--claim", "bar0:0x24/32", "--acknowledge", "bar0:0x64/32=claimed"]

  private static func twoDevices() throws {
    let registers = [
      try Guest.open(Guest.eduA).region(bar: 0), try Guest.open(Guest.eduB).region(bar: 0),
    ]
    let daemon = try Program(recipe + ["--json", "pci-\(Guest.eduA)", "pci-\(Guest.eduB)"])
    try daemon.waitForState("connected", devices: 2)
    for round in 1...500 {
      for region in registers {
        try region.write32(UInt32(round), at: Edu.raise)
        try Guest.waitFor("acknowledgement \(round)") { try region.read32(at: Edu.status) == 0 }
      }
    }
    let (status, records) = try daemon.terminate()
    try expectEqual(status, 0, "exit status")
    for address in [Guest.eduA, Guest.eduB] {
      let last = records.last { $0.device.contains(address) }
      try expectEqual(last?.interrupts, 500, "interrupts of \(address)")
      try expectEqual(last?.claimed, 500, "claimed of \(address)")
      try expectEqual(last?.dispatches, 500, "dispatches of \(address)")
      try expectEqual(last?.unclaimed, 0, "unclaimed of \(address)")
      try expectEqual(last?.coalesced, 0, "coalesced of \(address)")
    }
  }

  private static func comesBack() throws {
    let daemon = try Program(["--json", "pci-\(Guest.eduA)"] + recipe)
    try daemon.waitForState("connected", devices: 1)
    for _ in 1...3 {
      Guest.unbind(Guest.eduA)
      try daemon.waitForState("gone", devices: 1)
      try Guest.bind(Guest.eduA)
      try daemon.waitForState("connected", devices: 1)
      let region = try Guest.open(Guest.eduA).region(bar: 0)
      try region.write32(1, at: Edu.raise)
      try Guest.waitFor("the acknowledgement") { try region.read32(at: Edu.status) == 0 }
    }
    let (status, records) = try daemon.terminate()
    try expectEqual(status, 0, "exit status")
    try expectEqual(records.last?.claimed, 3, "claimed over three lives")
  }

  private static func terminate() throws {
    let daemon = try Program(["pci-\(Guest.eduA)"] + recipe)
    try daemon.waitForText("connected")
    let start = Clock.now
    let (status, _) = try daemon.terminate()
    try expectEqual(status, 0, "exit status")
    try expect(Clock.now - start < 2_000_000_000, "took too long to end")
    try expect(daemon.text.contains("disconnected"), "last output: \(daemon.text)")
  }

  private static func refusals() throws {
    let wrong: [([String], [String])] = [
      (["nothing-here"] + recipe, ["nothing-here", "no such device"]),
      (["pci-\(Guest.eduA)"], ["stays asserted", "--claim"]),
      (["pci-\(Guest.eduA)", "--claim", "bar7:0/32"], ["bar7", "neither barN nor mapN"]),
      (["pci-\(Guest.eduA)", "--claim", "bar0:0x200000/32"], ["bar0", "is outside"]),
      (["fixture-noirq", "--claim", "map0:0/32"], ["no interrupt"]),
      (["uio_pci_generic"] + recipe, ["devices have this name"]),
    ]
    for (arguments, words) in wrong {
      let daemon = try Program(arguments)
      let status = daemon.wait()
      try expectEqual(status, 1, "exit status of \(arguments)")
      for word in words {
        try expect(daemon.text.contains(word), "\"\(daemon.text)\" lacks \"\(word)\"")
      }
    }
    let usage = try Program(["--no-such-option"])
    try expectEqual(usage.wait(), 64, "exit status of a wrong option")
  }

  private static func unnamed() throws {
    let daemon = try Program([])
    try expectEqual(daemon.wait(), 1, "exit status")
    for word in ["pci-\(Guest.eduA)", "hpet", "you named none", "hint"] {
      try expect(daemon.text.contains(word), "\"\(daemon.text)\" lacks \"\(word)\"")
    }
  }

  /// A vendor's file for both cards with an administrator's drop-in. For one of the cards another file
  /// comes first by name.
  private static func files() throws {
    let root = "/tmp/configuration"
    defer { _ = try? Guest.shell("rm -r \(root)") }
    let files = [
      "usr/lib/interruptsync/devices/50-edu.device": """
      [Match]
      Id=pci-\(Guest.eduA) pci-\(Guest.eduB)
      [Routine]
      Name=edu
      Claim=bar0:0x24/32&0xff
      """,
      "etc/interruptsync/devices/50-edu.device.d/local.conf": """
      [Device]
      LockGroup=cards
      [Routine]
      Name=edu
      Capture=status=bar0:0x24/32
      Acknowledge=bar0:0x64/32=status
      """,
      "run/interruptsync/devices/10-driver.device": """
      [Match]
      Id=pci-\(Guest.eduB)
      [Routine]
      Driver=/nonexistent.so
      """,
    ]
    for (path, text) in files { try Guest.create(text, at: "\(root)/\(path)") }
    let daemon = try Program(["--json", "--config-root", root])
    try daemon.waitForText("pci-\(Guest.eduA): connected")
    try daemon.waitForText("/nonexistent.so does not exist")
    try daemon.waitForText("not configured: no .device file matches")
    for life in 1...2 {
      let region = try Guest.open(Guest.eduA).region(bar: 0)
      for round in 1...50 {
        // The routine captures and writes back the upper bits too, although Claim= masks them out.
        try region.write32(UInt32(round) | 0x100, at: Edu.raise)
        try Guest.waitFor("acknowledgement \(round)") { try region.read32(at: Edu.status) == 0 }
      }
      guard life == 1 else { break }
      Guest.unbind(Guest.eduA)
      try daemon.waitForText("\"state\":\"gone\"")
      try Guest.bind(Guest.eduA)
      try daemon.waitForText("connected again")
    }
    let (status, records) = try daemon.terminate()
    try expectEqual(status, 0, "exit status")
    let last = records.last { $0.device.contains(Guest.eduA) }
    try expectEqual(last?.claimed, 100, "claimed in both lives")
  }

  private static func storm() throws {
    let region = try Guest.open(Guest.eduA).region(bar: 0)
    // Claims by a bit of the identification register that is always 0: never claims.
    let daemon = try Program(["--json", "pci-\(Guest.eduA)", "--claim", "bar0:0/32&0x2"])
    try daemon.waitForState("connected", devices: 1)
    try region.write32(1, at: Edu.raise)
    try daemon.waitForText("claims on a level-triggered line and acknowledges nothing")
    try daemon.waitForState("storming", devices: 1)
    try region.write32(.max, at: Edu.acknowledge)
    try daemon.waitForText("interrupt storm ended")
    let (status, records) = try daemon.terminate()
    try expectEqual(status, 0, "exit status")
    try expectEqual(records.last?.storms, 1, "storms")
  }
}
