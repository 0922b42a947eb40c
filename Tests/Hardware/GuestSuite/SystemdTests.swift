// The installed service under the guest's own systemd: its permissions, its journal, and its devices as
// they come and go. Most cases run inside InstalledService.serving.
import CUIO
import Glibc
import LinuxSystem
import UIO

enum SystemdTests {
  static let cases = [
    Case("serviceConnectsADeviceThatIsPluggedAndRingsForAnObserver", plugged),
    Case("serviceIsReadyAsAUserWithoutCapabilities", ready),
    Case("serviceIsStartedByItsSocket", socketActivation),
    Case("serviceIsReloadedAndKeepsItsConfigurationWhenTheNewIsAtFault", reload),
    Case("serviceForgetsADeviceThatWentAndTakesItBack", replug),
    Case("serviceIsEndedByTheWatchdogWhenADispatcherIsStuck", stuck),
    Case("serviceThatIsMisconfiguredIsNotRestarted", misconfigured),
    Case("serviceReleasesItsDevicesWhenItStops", stop),
  ]

  private typealias Service = InstalledService
  private static let unit = Service.unit

  /// An administrator's steps: write a device file, save the driver, plug in the card.
  private static func plugged() throws {
    try Packages.install()
    try Guest.shell("systemctl start \(unit)")
    defer { Service.end() }
    try Service.write("[Routine]\nName=edu\n" + Service.recipe)
    try Guest.shell("systemctl reload \(unit)")
    Guest.unbind(Guest.eduA)
    Guest.write("\n", to: "\(Guest.pci(Guest.eduA))/driver_override")
    try Guest.shell("interruptsyncctl bind \(Guest.eduA) --persist")
    defer { unlink("/etc/interruptsync/bind.d/\(Service.device)") }
    let client = try Service.client()
    for _ in 1...2 {
      try Guest.waitFor("the service to connect it") { client.state(Service.device) == "connected" }
      Guest.write("1", to: "\(Guest.pci(Guest.eduA))/remove")
      try Guest.waitFor("the device to be gone") { client.state(Service.device) == "gone" }
      Guest.write("1", to: "/sys/bus/pci/rescan")
    }
    try Guest.waitFor("the service to connect it") { client.state(Service.device) == "connected" }
    try ring(UInt32(repetitions(10_000, short: 500)))
  }

  /// Raises `count` interrupts and expects each in a process of the user nobody with only the group.
  private static func ring(_ count: UInt32) throws {
    guard let group = getgrnam("uio")?.pointee.gr_gid else { throw Failure(description: "group") }
    func subscribe(_ group: gid_t) throws -> Program {
      try Program(
        ["--client", "subscribe", Service.address, Service.device, "\(group)", "\(count)"],
        program: "guest-suite")
    }
    // A process outside the group cannot even connect.
    let outsider = try subscribe(65534)
    try expectEqual(outsider.wait(), 1, "exit status of the outsider: \(outsider.text)")
    try expect(outsider.text.contains("EACCES"), "outsider: \(outsider.text)")
    let member = try subscribe(group)
    try member.waitForText("subscribed")
    let registers = try Guest.open(Guest.eduA).region(bar: 0)
    let irq = try Guest.irq(Guest.eduA)
    let before = (
      try Service.event(), try Guest.kernelCount(irq: irq), try Service.interrupts() ?? 0
    )
    for value in 1...count { try Service.raise(registers, value) }
    try expectEqual(member.wait(), 0, "exit status of the member: \(member.text)")
    try expect(member.text.contains("received \(count)"), "member: \(member.text)")
    try expectEqual(try Service.event() &- before.0, count, "the kernel's count")
    try expectEqual(
      try Guest.kernelCount(irq: irq) - before.1, UInt64(count), "/proc/interrupts")
    try expectEqual(try Service.interrupts(), before.2 + UInt64(count), "the daemon's count")
  }

  private static func ready() throws {
    let settings = "/etc/interruptsync/interruptsyncd.conf"
    let metrics = "/run/interruptsync/test.prom"
    try Guest.create(
      "[Daemon]\nMetricsTextfile=\(metrics)\nMetricsIntervalSec=1", at: settings)
    defer {
      unlink(settings)
      unlink(metrics)
    }
    try Service.serving { registers in
      try expectEqual(try Service.property("ActiveState"), "active", "state")
      try expectEqual(try Service.property("StatusText"), "1 of 1 devices serviced", "status")
      try expectEqual(try Service.property("NFileDescriptorStore"), "4", "descriptors in store")
      let process = try Service.property("MainPID")
      try expectEqual(
        try Guest.shell("ps -o user:32=,group:32= -p \(process)").split(separator: " "),
        ["interruptsync", "uio"],
        "user and group")
      let status = try FileDescriptor.openText("/proc/\(process)/status")
      for set in ["CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        try expect(status.contains("\(set):\t0000000000000000\n"), "\(set) in \(status)")
      }
      try expect(status.contains("NoNewPrivs:\t1\n"), "NoNewPrivs in \(status)")
      try Service.raise(registers)
      try expectEqual(try product(), "interruptsyncd", "answer")
      // The service writes it from its sandbox.
      let line = "interruptsync_interrupts_total{device=\"\(Service.device)\"} 1\n"
      try Guest.waitFor("the interrupt in \(metrics)") {
        (try? FileDescriptor.openText(metrics))?.contains(line) == true
      }
      let entry = try Guest.shell(
        "journalctl -q -u \(unit) MESSAGE_ID=f106a8e877ea4141be7ace23e4a3bb93 -o json -n 1")
      for part in [
        "\"INTERRUPTSYNC_DEVICE\":\"\(Service.device)\"", "\"PRIORITY\":\"6\"", "\"CODE_FILE\"",
      ] {
        try expect(entry.contains(part), "\(part) in \(entry)")
      }
      let explained = try Guest.shell(
        "journalctl -q -x -u \(unit) MESSAGE_ID=fbb865f87522408dbf9467cec23592f5 -n 1")
      try expect(explained.contains("Subject: The daemon is ready"), explained)
    }
  }

  /// The product's name in the service's answer to a client.
  private static func product() throws -> String? {
    try Service.client().call("org.varlink.service.GetInfo").parameters["product"]?.string
  }

  private static func socketActivation() throws {
    try Service.serving { _ in
      try Guest.shell("systemctl stop \(unit)")
      // The socket's owner depends on which user created its folder.
      try expectEqual(
        try Guest.shell("stat -c '%G %a' \(Service.address)"), "uio 664", "the socket")
      try expectEqual(try product(), "interruptsyncd", "answer")
      try expectEqual(try Service.property("ActiveState"), "active", "state")
      // The socket queues clients while no process serves it.
      try Guest.shell("systemctl restart --no-block \(unit)")
      try expectEqual(try product(), "interruptsyncd", "answer")
      try expectEqual(
        try Guest.shell("readlink /run/varlink/registry/io.interruptsync"),
        Service.address, "the registry")
    }
  }

  private static func reload() throws {
    try Service.serving { registers in
      let client = try Service.client()
      func mode() throws -> String? {
        let reply = try client.ask("DescribeDevice", ["device": .string(Service.device)])
        return reply.parameters["device"]?.object?["mode"]?.string
      }
      let process = Service.process()
      try expectEqual(try mode(), "normal", "mode")
      try Service.write("[Device]\nMode=all\n[Routine]\nName=edu\n" + Service.recipe)
      try Guest.shell("systemctl reload \(unit)")
      try expectEqual(try mode(), "all", "mode after the reload")
      try Service.raise(registers)
      let bad = "/etc/interruptsync/devices/60-bad.device"
      try Guest.create("[Match]\nSoftwareLine=x\nIdd=x", at: bad)
      defer { unlink(bad) }
      try Service.write("[Device]\nMode=repeat\n[Routine]\nName=edu\n" + Service.recipe)
      let before = try Service.cursor()
      let (status, text) = try Guest.run("systemctl reload \(unit)")
      try expect(status != 0, "the reload did not fail: \(text)")
      let said = try Service.journal(after: before)
      // Both the daemon and the reload command, whose output systemd shows in the status, report it.
      try expect(said.contains("interruptsyncctl: ") && said.contains("\(bad):3:1: "), said)
      try expectEqual(try mode(), "all", "mode after the reload that failed")
      try expectEqual(client.state("x"), "", "the line of the file at fault")
      try Service.raise(registers)
      unlink(bad)
      try Guest.shell("systemctl reload \(unit)")
      try expectEqual(try mode(), "repeat", "mode after the reload of the fixed files")
      try Service.raise(registers)
      try expectEqual(try Service.interrupts(), 3, "interrupts")
      try expectEqual(Service.process(), process, "the process")
      try expectEqual(try Service.property("ActiveState"), "active", "state")
    }
  }

  private static func replug() throws {
    try Service.serving { _ in
      Guest.unbind(Guest.eduA)
      try Guest.waitFor("the daemon to drop the descriptors") {
        usleep(100_000)
        return try Service.property("NFileDescriptorStore") == "2"
      }
      try Guest.bind(Guest.eduA)
      try Guest.waitFor("the device to be serviced again") {
        usleep(100_000)
        return try Service.property("NFileDescriptorStore") == "4"
          && Service.property("StatusText") == "1 of 1 devices serviced"
      }
      let registers = try Guest.open(Guest.eduA).region(bar: 0)
      try Service.raise(registers)
      try Guest.shell("systemctl restart \(unit)")
      try Service.raise(registers)
      try Guest.waitFor("both in the totals") { try Service.interrupts() == 2 }
    }
  }

  private static func stuck() throws {
    try Service.serving { registers in
      let first = try Service.event()
      let before = try Service.cursor()
      try Service.raise(registers)
      try Service.configure("RestartSec=0\nWatchdogSec=4")
      try Guest.shell("systemctl restart \(unit)")
      try Service.raise(registers)
      guard let process = Service.process() else { throw Failure(description: "no process") }
      try holdDispatcher(process)
      try registers.write32(1, at: Edu.raise)
      try Service.waitForProcess(after: process)
      try Guest.waitFor("the acknowledgement") { try registers.read32(at: Edu.status) == 0 }
      try Service.waitForCount(try Service.event(), since: first)
      let said = try Service.journal(after: before)
      for word in ["its dispatcher makes no progress", "Watchdog timeout"] {
        try expect(said.contains(word), "\(word) is missing in \(said)")
      }
    }
  }

  /// Stops only the dispatcher's thread, which has the device's name, as a debugger does.
  private static func holdDispatcher(_ process: pid_t) throws {
    let script = """
      import ctypes, os, sys
      libc, thread = ctypes.CDLL(None), int(sys.argv[1])
      seize, interrupt, any_kind = 0x4206, 0x4207, 0x40000000
      assert libc.ptrace(seize, thread, 0, 0) == 0 and libc.ptrace(interrupt, thread, 0, 0) == 0
      status = os.waitpid(thread, any_kind)[1]
      print("held", flush=True)
      while os.WIFSTOPPED(status):
          status = os.waitpid(thread, any_kind)[1]
      """
    try Guest.create(script, at: "/run/hold.py")
    let thread = try Guest.shell(
      "grep -l '^pci-' /proc/\(process)/task/*/comm | cut -d / -f 5 | head -n 1")
    try Guest.shell("python3 /run/hold.py \(thread) >/run/held 2>&1 &")
    try Guest.waitFor("the dispatcher to be held") {
      try FileDescriptor.openText("/run/held").contains("held")
    }
  }

  private static func misconfigured() throws {
    try Service.serving { _ in
      let bad = "/etc/interruptsync/devices/60-bad.device"
      try Guest.create("[Match]\nIdd=x", at: bad)
      defer { unlink(bad) }
      try Guest.shell("systemctl restart \(unit)")
      let status = try Service.property("StatusText")
      try expect(status.contains("an earlier one is in force"), status)
      // What is kept ends with a stop.
      try Guest.shell("systemctl stop \(unit)")
      _ = try? Guest.shell("systemctl start \(unit)")
      try Guest.waitFor("the failure") { try Service.property("ActiveState") == "failed" }
      try expectEqual(try Service.property("ExecMainStatus"), "78", "exit status")
      try expectEqual(try Service.property("NRestarts"), "0", "restarts")
    }
  }

  private static func stop() throws {
    try Service.serving { registers in
      try Service.raise(registers)
      let before = try Service.cursor()
      try Guest.shell("systemctl stop \(unit)")
      try expectEqual(try Service.property("NFileDescriptorStore"), "0", "descriptors in store")
      try expectEqual(try Service.property("Result"), "success", "result")
      let said = try Service.journal(after: before)
      try expect(said.contains("stopping"), said)
      let users = try Guest.shell(
        "find /proc/[0-9]*/fd -lname '/dev/uio*' 2>/dev/null | grep -v /proc/\(getpid())/ || true")
      try expectEqual(users, "", "users of UIO devices")
      // The line is masked: an interrupt that the device raises now reaches no process.
      let count = try Service.event()
      try registers.write32(1, at: Edu.raise)
      try expectEqual(try Service.event(), count, "the kernel's count")
      try registers.write32(.max, at: Edu.acknowledge)
    }
  }
}
