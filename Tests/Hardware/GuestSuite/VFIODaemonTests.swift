// Devices of vfio-pci under the daemon: the four vectors of a rocker as devices, what clients do with them, and the
// way of the device back to the host while it is serviced.
import CUIO
import Glibc
import LinuxSystem
import UIO
import Varlink

enum VFIODaemonTests {
  static let cases = [
    Case(
      "daemonServicesEachVectorAndAnUnprivilegedClientSeesEveryMessage", limit: .seconds(1500),
      messages),
    Case("V27_doctorTestsEveryVectorThatTheDaemonServices", selfTest),
    Case("vectorsAreServicedByRecipesAndHostedDriversAndAReloadChangesTheirKind", kinds),
    Case("V35_unbindReturnsWhileTheDaemonServicesAndTheDeviceIsConnectedAgain") {
      try giveBack { try Guest.shell("interruptsyncctl unbind \(Guest.rocker)") }
    },
    Case("V35_removeReturnsWhileTheDaemonServicesAndTheDeviceIsConnectedAgain") {
      try giveBack {
        try expectEqual(Guest.write("1", to: "\(Guest.pci(Guest.rocker))/remove"), 0, "remove")
      }
    },
  ]

  private static let id = "pci-\(Guest.rocker)"
  private static let edu = "pci-\(Guest.vfioEdu)"
  private static let vectors = (0..<4).map { "\(id)/msix\($0)" }
  /// Writing N raises vector N.
  private static let raise = 0x20
  /// One routine for all vectors, and another for one of them.
  private static let files = [
    "devices/50-rocker.device": """
    [Match]
    Id=\(id)
    [Routine]
    Name=any
    Vector=0-3
    [Routine]
    Name=captures
    Vector=1
    Capture=test=bar0:0x10/32
    """
  ]

  /// A daemon that has connected the four vectors.
  private static func serving(_ body: (ServiceDaemon, VarlinkClient) throws -> Void) throws {
    try Guest.bindVFIO(Guest.rocker)
    let daemon = try ServiceDaemon(files)
    let client = try daemon.client()
    try waitForVectors(client)
    try body(daemon, client)
    try daemon.end()
  }

  private static func waitForVectors(_ client: VarlinkClient) throws {
    for vector in vectors {
      try Guest.waitFor("\(vector) to be connected, it is \(client.state(vector))") {
        client.state(vector) == "connected"
      }
    }
  }

  /// Raises a vector through its neighbor's registers, as all vectors share them.
  private static func raise(_ vector: Int, _ client: VarlinkClient) throws {
    try client.transact(vectors[(vector + 1) % 4], [Operation.write(raise, UInt32(vector))])
  }

  private static func messages() throws {
    let count = UInt64(repetitions(10_000, short: 2_000))
    try serving { daemon, client in
      let ids = try client.ask("ListDevices").parameters["devices"]?.array?.compactMap {
        $0.object?["id"]?.string
      }
      try expectEqual((ids ?? []).filter { $0.hasPrefix(id) }.sorted(), vectors, "devices")
      try expectEqual(
        client.refusal("Attach", ["device": .string(vectors[0])]), "WrongState", "Attach")
      let group = try Guest.shell("getent group uio").split(separator: ":")[2]
      let observer = try Program(
        ["--client", "messages", daemon.socket, vectors[2], "\(group)", "\(count)"],
        program: "guest-suite")
      try observer.waitForText("subscribed")
      for number in 1...count {
        try raise(2, client)
        try Guest.waitFor("message \(number)") { try client.interrupts(vectors[2]) == number }
      }
      try expectEqual(observer.wait(), 0, "the observer: \(observer.text)")
      try expectEqual(
        try Guest.kernelCount(action: "vfio-msix[2](\(Guest.rocker))"), count, "/proc/interrupts")
      // The kernel raises it as the device would.
      try client.ask("Trigger", ["device": .string(vectors[3]), "count": 5])
      try Guest.waitFor("the self-tests") { try client.interrupts(vectors[3]) == 5 }
      for vector in [0, 1] {
        try expectEqual(try client.interrupts(vectors[vector]), 0, "interrupts of \(vector)")
      }
    }
  }

  private static func selfTest() throws {
    try serving { daemon, client in
      let doctor = "interruptsyncctl doctor \(id) --self-test --address \(daemon.socket)"
      let said = try Guest.shell(doctor)
      try expect(said.contains("5 devices checked, vectors tested: 4, no problems found"), said)
      for vector in vectors {
        try expectEqual(try client.interrupts(vector), 1, "interrupts of \(vector)")
      }
      try client.ask("Disconnect", ["device": .string(vectors[2])])
      let (status, fewer) = try Guest.run(doctor)
      try expect(status == 1 && fewer.contains("\(vectors[2]): problem: it is disconnected"), fewer)
    }
  }

  /// INTx with a recipe, MSI with a driver, and INTx again, in one process.
  private static func kinds() throws {
    func files(_ kind: String, _ routine: String) -> [String: String] {
      [
        "devices/50-edu.device":
          "[Match]\nId=\(edu)\n[Device]\nInterrupt=\(kind)\n[Routine]\n\(routine)"
      ]
    }
    let driver = "Driver=/usr/lib/interruptsync/drivers/edu.so"
    try Guest.bindVFIO(Guest.vfioEdu)
    let list = try Guest.shell("./interruptsyncd --list")
    try expect(list.contains("  \(edu)  vfio-pci  bar0"), list)
    // Listed as one device as long as no file is for it.
    let daemon = try ServiceDaemon([:])
    let client = try daemon.client()
    try expectEqual(client.state(edu), "listed", "state")
    for (kind, vector, routine) in [
      ("intx", "\(edu)/intx", InstalledService.recipe), ("msi", "\(edu)/msi0", driver),
      ("intx", "\(edu)/intx", InstalledService.recipe),
    ] {
      try daemon.write(files(kind, routine))
      try client.ask("Reload")
      try Guest.waitFor("\(vector) to be connected, it is \(client.state(vector))") {
        client.state(vector) == "connected"
      }
      let before = try client.claimed(vector) ?? 0
      for number in 1...100 {
        try client.transact(vector, [Operation.write(Edu.raise, 1)])
        try Guest.waitFor("interrupt \(number) of \(vector)") {
          try client.claimed(vector) == before + UInt64(number)
        }
      }
    }
    try daemon.end()
  }

  /// The host has the device within three seconds, and the daemon when it is bound again.
  private static func giveBack(by take: () throws -> Void) throws {
    try serving { _, client in
      try raise(1, client)
      try Guest.waitFor("the message") { try client.interrupts(vectors[1]) == 1 }
      let start = Clock.now
      try take()
      let took = (Clock.now - start) / 1_000_000
      say("the host had the device after \(took) ms")
      try expect(took < 3000, "it took \(took) ms")
      for vector in vectors {
        try Guest.waitFor("\(vector) to be gone, it is \(client.state(vector))") {
          client.state(vector) == "gone"
        }
      }
      Guest.write("1", to: "/sys/bus/pci/rescan")
      try Guest.bindVFIO(Guest.rocker)
      try waitForVectors(client)
      try raise(1, client)
      try Guest.waitFor("the next message") { try client.interrupts(vectors[1]) == 2 }
    }
  }
}
