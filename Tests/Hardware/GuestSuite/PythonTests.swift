// The client in Python on a real device: its Debian package, against a daemon of the case's own. The
// payload has the package, the tutorial's page and its runner, and a program that follows interrupts.
import Glibc
import LinuxSystem
import UIO

enum PythonTests {
  static let cases = [
    Case("pythonClientRunsItsTutorialOnARealDevice", tutorial),
    Case("pythonClientFollowsEveryInterruptInBothForms", interrupts),
  ]

  private static let device = "pci-\(Guest.eduA)"

  /// Runs `body` with the package installed and a daemon that services the device by the file that the
  /// tutorial shows.
  private static func serving(_ body: (ServiceDaemon) throws -> Void) throws {
    try Guest.shell("dpkg -i python/*.deb")
    defer { _ = try? Guest.shell("dpkg --purge python3-interruptsync") }
    let registers = try Guest.open(Guest.eduA).region(bar: 0)
    try registers.write32(.max, at: Edu.acknowledge)
    let daemon = try ServiceDaemon([
      "devices/50-edu.device": try FileDescriptor.openText("python/50-edu.device")
    ])
    let client = try daemon.client()
    try Guest.waitFor("the device to be connected") { client.state(device) == "connected" }
    try body(daemon)
    try daemon.end()
  }

  /// What a program of the payload prints, with the daemon's address in its environment.
  private static func run(_ program: String, _ daemon: ServiceDaemon) throws -> String {
    try Guest.shell("INTERRUPTSYNC_ADDRESS=\(daemon.socket) python3 python/\(program) 2>&1")
  }

  private static func tutorial() throws {
    try serving { daemon in
      let said = try run("tutorial.py python/python.md card", daemon)
      say(said)
      for words in ["identification 0x010000ed", "bar0: 1048576 bytes", "9 blocks ran"] {
        try expect(said.contains(words), "no \"\(words)\" in \(said)")
      }
      // Those that it watched, and the one that it serviced itself.
      let client = try daemon.client()
      try expectEqual(try client.interrupts(device), 4, "interrupts")
      try expectEqual(client.state(device), "connected", "state")
    }
  }

  private static func interrupts() throws {
    let count = repetitions(10_000, short: 300)
    try serving { daemon in
      let said = try run("edu.py \(device) \(count)", daemon)
      try expect(said.contains("\(count) interrupts in each form"), said)
      let counted = try daemon.client().interrupts(device) ?? 0
      try expect(counted > 2 * UInt64(count), "\(counted) interrupts")
    }
  }
}
