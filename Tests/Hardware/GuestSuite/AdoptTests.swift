// A daemon without rights to any device, under the guest's systemd, and interruptsyncctl adopt, which
// root uses to hand devices to it.
import CUIO
import Glibc
import LinuxSystem
import UIO
import Varlink

enum AdoptTests {
  static let cases = [
    Case("serviceIsHandedDevicesThatItMayNotOpen", life)
  ]

  private static let eduA = "pci-\(Guest.eduA)"
  private static let eduB = "pci-\(Guest.eduB)"
  private static let unit = "adoption.service"
  private static let folder = "/opt/adoption"
  private static let socket = "/run/adoption/io.interruptsync"

  // MARK: The machine's side

  /// Installs the package's unit as another service: its user is in no group, and it may open no
  /// device.
  private static func install() throws {
    try Guest.shell("install -D interruptsyncd \(folder)/interruptsyncd")
    try Guest.create(
      """
      [Match]
      Id=\(eduA)
      [Routine]
      Claim=map0:0x24/32
      Acknowledge=map0:0x64/32=claimed
      """, at: "\(folder)/etc/interruptsync/devices/50-edu.device")
    let edits = [
      "s|^ExecStart=.*|ExecStart=\(folder)/interruptsyncd --config-root \(folder)|",
      "s|^User=.*|User=nobody|", "s|^Group=.*|Group=nogroup|",
      "s|^RuntimeDirectory=.*|RuntimeDirectory=adoption|", "/^DeviceAllow=/d", "/^ExecReload=/d",
      "s|^Also=.*||", "s|^Restart=.*|Restart=always\\nRestartSec=0|",
      "s|^StartLimitBurst=.*|StartLimitBurst=1000|",
    ]
    let arguments = edits.map { "-e '\($0)'" }.joined(separator: " ")
    try Guest.shell("sed \(arguments) interruptsyncd.service >/etc/systemd/system/\(unit)")
    try Guest.shell(
      "sed -e 's|^ListenStream=.*|ListenStream=\(socket)|' -e '/^Symlinks=/d' interruptsyncd.socket "
        + ">/etc/systemd/system/adoption.socket")
    try Guest.shell("systemctl daemon-reload && systemctl start adoption.socket \(unit)")
  }

  private static func remove() {
    _ = try? Guest.shell("systemctl stop adoption.socket \(unit)")
    _ = try? Guest.shell("rm -rf \(folder) /etc/systemd/system/adoption.*")
    _ = try? Guest.shell("systemctl daemon-reload; systemctl reset-failed")
  }

  private static func property(_ name: String) throws -> String {
    try Guest.shell("systemctl show -P \(name) \(unit)")
  }

  private static func client() throws -> VarlinkClient {
    try VarlinkClient(socket, timeout: .seconds(60))
  }

  private static func adopt(_ device: String) throws {
    try Guest.shell("./interruptsyncctl adopt \(device) --address \(socket)")
  }

  private static func failure(_ client: VarlinkClient) throws -> String {
    let reply = try client.ask("DescribeDevice", ["device": .string(eduA)])
    let device = reply.parameters["device"]?.object
    return [device?["failure"]?.string, device?["failureHint"]?.string].compactMap { $0 }
      .joined(separator: "\n")
  }

  // MARK: The case

  private static func life() throws {
    defer { remove() }
    do {
      try install()
      try withoutRights()
      try refusals()
      try adopt(eduA)
      try serviced()
      try unserved()
      try replug()
    } catch {
      let said = (try? Guest.shell("journalctl -q -u \(unit) -n 40 --no-pager -o cat")) ?? ""
      throw Failure(description: "\(error); the journal: \(said)")
    }
  }

  private static func withoutRights() throws {
    let client = try client()
    try expectEqual(client.state(eduA), "failed", "state")
    let failure = try failure(client)
    try expect(failure.contains("uio"), "failure \(failure)")
    try expectEqual(
      client.refusal("Attach", ["device": .string(eduB)]), "SystemFailure", "attaching")
    let process = try property("MainPID")
    let status = try FileDescriptor.openText("/proc/\(process)/status")
    try expect(status.contains("Uid:\t65534\t65534"), "user in \(status)")
    try expect(status.contains("CapEff:\t0000000000000000\n"), "capabilities in \(status)")
  }

  private static func open(_ path: String, _ flags: Int32 = O_RDWR) throws -> FileDescriptor {
    do throws(SystemError) { return try FileDescriptor.open(path, flags) } catch {
      throw Failure(description: "\(path): \(Errno.name(error.number))")
    }
  }

  private static func node(_ device: String) throws -> String {
    try UIODeviceInfo.find(UIODeviceID(device)).path
  }

  private static func configuration(_ address: String) -> String { "\(Guest.pci(address))/config" }

  /// The daemon accepts no descriptor of anything else, and a refusal changes nothing.
  private static func refusals() throws {
    let client = try client()
    let good = (try open(node(eduA)), try open(configuration(Guest.eduA)))
    let wrong: [(FileDescriptor, FileDescriptor, String)] = [
      (try open(node(eduB)), good.1, "another's node"),
      (try open("/dev/null"), good.1, "a node of no UIO device"),
      (try open(configuration(Guest.eduA)), good.1, "a file"),
      (try open(node(eduA), O_RDONLY), good.1, "a node that cannot be written"),
      (good.0, try open(configuration(Guest.eduB)), "another's configuration space"),
      (good.0, try open(configuration(Guest.eduA), O_RDONLY), "one that cannot be written"),
      (good.0, try open("\(Guest.pci(Guest.eduA))/resource0"), "another file of the device"),
    ]
    for (node, configuration, what) in wrong {
      let parameters: JSONObject = ["device": .string(eduA), "node": 0, "configuration": 1]
      do {
        _ = try client.call(
          "io.interruptsync.AdoptDevice", parameters, descriptors: [node, configuration])
        throw Failure(description: "\(what) was accepted")
      } catch let error as VarlinkError {
        try expectEqual(error.reply?.name ?? "", "io.interruptsync.BadDescriptor", what)
      }
      try expectEqual(client.state(eduA), "failed", "state after \(what)")
    }
    try expectEqual(try property("NFileDescriptorStore"), "2", "descriptors in store")
    // The daemon accepts the node alone, but cannot connect: it may not open the configuration space.
    do {
      _ = try client.call(
        "io.interruptsync.AdoptDevice", ["device": .string(eduA), "node": 0], descriptors: [good.0])
      throw Failure(description: "connected without a configuration space")
    } catch let error as VarlinkError {
      try expectEqual(error.reply?.name ?? "", "io.interruptsync.SystemFailure", "the node alone")
    }
    try expectEqual(client.state(eduA), "failed", "state with the node alone")
    try expectEqual(try property("NFileDescriptorStore"), "3", "descriptors in store")
  }

  /// This process and its successors service and re-arm the device through the adopted descriptors.
  private static func serviced() throws {
    let device = try Guest.open(Guest.eduA)
    let region = try device.region(bar: 0)
    let first = try Guest.event(device)
    var client = try client()
    try expectEqual(client.state(eduA), "connected", "state")
    try region.raise(1...500)
    try Guest.waitFor("500 interrupts") { try client.interrupts(eduA) == 500 }
    try expectEqual(try property("NFileDescriptorStore"), "4", "descriptors in store")
    try expectEqual(client.refusal("Disconnect", ["device": .string(eduA)]), "", "Disconnect")
    try expectEqual(
      client.refusal("Connect", ["device": .string(eduA), "persistent": true]), "", "Connect")
    for disturbance in ["restart --no-block", "kill -s KILL"] {
      let process = try property("MainPID")
      try Guest.shell("systemctl \(disturbance) \(unit)")
      try region.raise(1...50)
      try Guest.waitFor("the next process", seconds: 60) {
        usleep(200_000)
        let now = try property("MainPID")
        return try now != process && now != "0" && property("ActiveState") == "active"
      }
      try region.raise(1...50)
    }
    client = try Self.client()
    let count = UInt64(try Guest.event(device) &- first)
    try expectEqual(count, 700, "the kernel's count")
    try Guest.waitFor("\(count) interrupts") { try client.interrupts(eduA) == count }
  }

  /// The daemon also keeps a device that no file matches, since a client may attach it later.
  private static func unserved() throws {
    let named: JSONObject = ["device": .string(eduB)]
    try adopt(eduB)
    for _ in 1...2 {
      let client = try client()
      try expectEqual(client.state(eduB), "listed", "state")
      let event = try client.ask("Attach", named).descriptors[0]
      try client.transact(
        eduB, [["operation": "write", "register": "map0:0x60/32", "value": 1]])
      try expectEqual(
        cuio_wait(event.raw, -1, 20_000, false), Int32(CUIO_WAIT_READABLE), "an interrupt")
      try client.transact(
        eduB, [["operation": "write", "register": "map0:0x64/32", "value": 1]])
      try client.ask("Complete", ["device": .string(eduB), "claimed": true])
      try expectEqual(client.refusal("AdoptDevice", named), "InvalidParameter", "no descriptor")
      try expect((try? adopt(eduB)) == nil, "an attached device was handed over")
      try client.ask("Detach", named)
      try Guest.shell("systemctl restart \(unit)")
    }
  }

  /// The daemon closes the descriptors when the device goes. Its successor must be adopted again.
  private static func replug() throws {
    let client = try client()
    Guest.unbind(Guest.eduA)
    try Guest.waitFor("the device's end") { client.state(eduA) == "gone" }
    // The totals, the configuration, and the two of the other device.
    try Guest.waitFor("the daemon to drop the descriptors") {
      usleep(100_000)
      return try property("NFileDescriptorStore") == "4"
    }
    try Guest.bind(Guest.eduA)
    try Guest.waitFor("the failure") { client.state(eduA) == "failed" }
    try adopt(eduA)
    try expectEqual(client.state(eduA), "connected", "state")
    try Guest.open(Guest.eduA).region(bar: 0).raise(1...20)
    try Guest.waitFor("its interrupts") { try client.interrupts(eduA) == 720 }
  }
}
