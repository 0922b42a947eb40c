// The service as it is installed, under the guest's own systemd: what it may, what it says, and that
// no interrupt is lost when it is restarted, killed or stuck.
import CUIO
import Glibc
import UIO

enum SystemdTests {
  static let cases = [
    Case("serviceIsReadyAsAUserWithoutCapabilities", ready),
    Case("serviceIsStartedByItsSocket", socketActivation),
    Case("serviceLosesNoInterruptOverRestarts", restarts),
    Case("serviceLosesNoInterruptWhenItIsKilled", kills),
    Case("serviceCountsWhatCameWhileItWasAway", away),
    Case("serviceForgetsADeviceThatWentAndTakesItBack", replug),
    Case("serviceIsEndedByTheWatchdogWhenADispatcherIsStuck", stuck),
    Case("serviceThatIsMisconfiguredIsNotRestarted", misconfigured),
    Case("serviceReleasesItsDevicesWhenItStops", stop),
  ]

  private static let unit = "interruptsyncd.service"
  private static let metrics = "/run/interruptsync/test.prom"
  private static let identity = "pci-\(Guest.eduA)"

  // MARK: The machine's side

  private static func property(_ name: String) throws -> String {
    try Guest.shell("systemctl show -P \(name) \(unit)")
  }

  /// Not looking all the time: the guest has better to do with its two processors.
  private static func waitForProcess(after process: String) throws {
    try Guest.waitFor("the next process", seconds: 60) {
      usleep(200_000)
      let now = try property("MainPID")
      return try now != process && now != "0" && property("ActiveState") == "active"
    }
  }

  private static func journal() -> String {
    (try? Guest.shell("journalctl -q -u \(unit) -n 40 --no-pager -o cat")) ?? ""
  }

  private static func write(_ path: String, _ text: String) throws {
    let parts = path.split(separator: "/")
    for count in 1..<parts.count { mkdir("/" + parts[..<count].joined(separator: "/"), 0o755) }
    close(creat(path, 0o644))
    try expectEqual(Guest.write(text + "\n", to: path), 0, "writing \(path)")
  }

  /// As a package would, but for what tests have to see: metrics in a file.
  private static func install() throws {
    try Guest.shell("cp interruptsyncd.service interruptsyncd.socket /etc/systemd/system/")
    try Guest.shell("install -D interruptsyncd /usr/sbin/interruptsyncd")
    try Guest.shell(
      "install -D -m 644 interruptsync.catalog /usr/lib/systemd/catalog/interruptsync.catalog")
    try Guest.shell("journalctl --update-catalog")
    try write(
      "/etc/systemd/system/\(unit).d/again.conf",
      """
      [Unit]
      StartLimitBurst=1000
      [Service]
      RestartSec=0
      """)
    try write(
      "/etc/interruptsync/interruptsyncd.conf",
      """
      [Daemon]
      MetricsTextfile=\(metrics)
      MetricsIntervalSec=1
      """)
    try write(
      "/etc/interruptsync/devices/50-edu.device",
      """
      [Match]
      Id=\(identity)
      [Routine]
      Claim=bar0:0x24/32
      Acknowledge=bar0:0x64/32=claimed
      """)
    try Guest.shell("systemctl daemon-reload")
  }

  private static func remove() {
    _ = try? Guest.shell("systemctl stop \(unit) interruptsyncd.socket")
    _ = try? Guest.shell(
      "rm -rf /etc/systemd/system/interruptsyncd.* /etc/interruptsync /usr/sbin/interruptsyncd")
    _ = try? Guest.shell("rm -f /usr/lib/systemd/catalog/interruptsync.catalog")
    _ = try? Guest.shell("systemctl daemon-reload; systemctl reset-failed")
    isInstalled = false
  }

  private nonisolated(unsafe) static var isInstalled = false

  /// A drop-in for the rest of the test.
  private static func configure(_ text: String) throws {
    try write("/etc/systemd/system/\(unit).d/test.conf", "[Service]\n" + text)
    try Guest.shell("systemctl daemon-reload")
  }

  /// Runs `body` with the service started anew, its totals at 0, and its device's registers at hand.
  private static func serving(_ body: (RegisterRegion) throws -> Void) throws {
    if !isInstalled {
      try install()
      // The configuration space is given to the group by the rule of udev.
      try Guest.shell("udevadm trigger --action=add --subsystem-match=uio && udevadm settle")
      isInstalled = true
    }
    unlink(metrics)
    let device = try Guest.open(Guest.eduA)
    let registers = try device.region(bar: 0)
    try registers.write32(.max, at: Edu.acknowledge)
    defer { _ = try? Guest.shell("systemctl stop \(unit); systemctl reset-failed") }
    do {
      try Guest.shell("systemctl start \(unit)")
      try body(registers)
    } catch { throw Failure(description: "\(error); the journal: \(journal())") }
  }

  private static func event() throws -> UInt32 {
    let info = try UIODeviceInfo.find(UIODeviceID(identity))
    return info.event
  }

  /// Raises one and waits until it was acknowledged, by whichever process.
  private static func raise(_ registers: RegisterRegion, _ value: UInt32 = 1) throws {
    try registers.write32(value, at: Edu.raise)
    try Guest.waitFor("the acknowledgement") { try registers.read32(at: Edu.status) == 0 }
  }

  /// The device's interrupts, as the daemon tells them once a second.
  private static func interrupts() -> UInt64? {
    let name = "interruptsync_interrupts_total{device=\"\(identity)\"} "
    let text = (try? FileDescriptor.openText(metrics)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
    return line.flatMap { UInt64($0.dropFirst(name.count)) }
  }

  private static func waitForCount(_ count: UInt32, since first: UInt32) throws {
    try Guest.waitFor(
      "\(count &- first) interrupts; the daemon has \(interrupts().map { "\($0)" } ?? "none")"
    ) { interrupts() == UInt64(count &- first) }
  }

  // MARK: Cases

  private static func ready() throws {
    try serving { registers in
      try expectEqual(try property("ActiveState"), "active", "state")
      try expectEqual(try property("StatusText"), "1 of 1 devices serviced", "status")
      try expectEqual(try property("NFileDescriptorStore"), "3", "descriptors in store")
      let process = try property("MainPID")
      try expectEqual(
        try Guest.shell("ps -o user:32=,group:32= -p \(process)").split(separator: " "),
        ["interruptsync", "uio"],
        "user and group")
      let status = try FileDescriptor.openText("/proc/\(process)/status")
      for set in ["CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        try expect(status.contains("\(set):\t0000000000000000\n"), "\(set) in \(status)")
      }
      try expect(status.contains("NoNewPrivs:\t1\n"), "NoNewPrivs in \(status)")
      try raise(registers)
      try expect(
        try ask().contains("\"product\":\"interruptsyncd\""), "no answer from its own socket")
      let entry = try Guest.shell(
        "journalctl -q -u \(unit) MESSAGE_ID=f106a8e877ea4141be7ace23e4a3bb93 -o json -n 1")
      for part in [
        "\"INTERRUPTSYNC_DEVICE\":\"\(identity)\"", "\"PRIORITY\":\"6\"", "\"CODE_FILE\"",
      ] {
        try expect(entry.contains(part), "\(part) in \(entry)")
      }
      let explained = try Guest.shell(
        "journalctl -q -x -u \(unit) MESSAGE_ID=fbb865f87522408dbf9467cec23592f5 -n 1")
      try expect(explained.contains("Subject: The daemon is ready"), explained)
    }
  }

  /// What the service answers to a client.
  private static func ask() throws -> String {
    try write(
      "/run/ask.py",
      """
      import socket
      client = socket.socket(socket.AF_UNIX)
      client.connect("/run/interruptsync/io.interruptsync")
      client.sendall(b'{"method":"org.varlink.service.GetInfo"}\\0')
      print(client.recv(65536).decode().rstrip("\\0"))
      """)
    return try Guest.shell("python3 /run/ask.py")
  }

  private static func socketActivation() throws {
    try serving { _ in
      try Guest.shell("systemctl stop \(unit) && systemctl start interruptsyncd.socket")
      defer { _ = try? Guest.shell("systemctl stop interruptsyncd.socket \(unit)") }
      try expectEqual(
        try Guest.shell("stat -c '%U:%G %a' /run/interruptsync/io.interruptsync"), "root:uio 664",
        "the socket")
      try expect(try ask().contains("\"product\":\"interruptsyncd\""), "no answer")
      try expectEqual(try property("ActiveState"), "active", "state")
      // The socket waits while nobody serves it.
      try Guest.shell("systemctl restart --no-block \(unit)")
      try expect(try ask().contains("\"product\":\"interruptsyncd\""), "no answer")
      try expectEqual(
        try Guest.shell("readlink /run/varlink/registry/io.interruptsync"),
        "/run/interruptsync/io.interruptsync", "the registry")
    }
  }

  /// Interrupts without a pause while `disturb` has its effect, again and again; then as many in
  /// the daemon's totals as the kernel counted.
  private static func undisturbed(rounds: Int, _ disturb: (Int) throws -> Void) throws {
    try serving { registers in
      let first = try event()
      for round in 1...rounds {
        let before = try property("MainPID")
        try disturb(round)
        for value in 1...UInt32(40 + round % 7) { try raise(registers, value) }
        try waitForProcess(after: before)
        for value in 1...UInt32(20 + round % 5) { try raise(registers, value) }
      }
      try waitForCount(try event(), since: first)
      try expectEqual(try property("NFileDescriptorStore"), "3", "descriptors in store")
    }
  }

  private static func restarts() throws {
    try undisturbed(rounds: 3) { _ in try Guest.shell("systemctl restart --no-block \(unit)") }
  }

  private static func kills() throws {
    try undisturbed(rounds: 4) { round in
      // At another distance from the last save each time.
      usleep(UInt32(round) * 90_000)
      try Guest.shell("systemctl kill -s KILL \(unit)")
    }
  }

  /// Killed, and not restarted at once: the line stays armed until the first interrupt.
  private static func away() throws {
    try serving { registers in
      let first = try event()
      for _ in 1...5 { try raise(registers) }
      try configure("RestartSec=2")
      try Guest.shell("systemctl kill -s KILL \(unit)")
      try Guest.waitFor("its end") {
        usleep(100_000)
        return try property("MainPID") == "0"
      }
      try registers.write32(1, at: Edu.raise)
      try Guest.waitFor("the kernel's count") { try event() &- first == 6 }
      try Guest.waitFor("the acknowledgement") { try registers.read32(at: Edu.status) == 0 }
      try raise(registers)
      try waitForCount(try event(), since: first)
      let continued = try Guest.shell(
        "journalctl -q -u \(unit) MESSAGE_ID=8e3a58b27d6549b8861030940d8e6e8b -o cat")
      try expect(continued.contains("going on from"), continued)
    }
  }

  private static func replug() throws {
    try serving { _ in
      Guest.unbind(Guest.eduA)
      try Guest.waitFor("the descriptors to be forgotten") {
        usleep(100_000)
        return try property("NFileDescriptorStore") == "1"
      }
      try Guest.bind(Guest.eduA)
      try Guest.waitFor("the device to be serviced again") {
        usleep(100_000)
        return try property("NFileDescriptorStore") == "3"
          && property("StatusText") == "1 of 1 devices serviced"
      }
      let registers = try Guest.open(Guest.eduA).region(bar: 0)
      try raise(registers)
      try Guest.shell("systemctl restart \(unit)")
      try raise(registers)
      try Guest.waitFor("both in the totals") { interrupts() == 2 }
    }
  }

  private static func stuck() throws {
    try serving { registers in
      let first = try event()
      try raise(registers)
      try configure("RestartSec=0\nWatchdogSec=4")
      try Guest.shell("systemctl restart \(unit)")
      try raise(registers)
      let process = try property("MainPID")
      try holdDispatcher(process)
      try registers.write32(1, at: Edu.raise)
      try waitForProcess(after: process)
      try Guest.waitFor("the acknowledgement") { try registers.read32(at: Edu.status) == 0 }
      try waitForCount(try event(), since: first)
      for word in ["its dispatcher makes no progress", "Watchdog timeout"] {
        try expect(journal().contains(word), "no word of \(word)")
      }
    }
  }

  /// Stops the dispatcher's thread alone, which has the device's name, as a debugger does.
  private static func holdDispatcher(_ process: String) throws {
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
    try write("/run/hold.py", script)
    let thread = try Guest.shell(
      "grep -l '^pci-' /proc/\(process)/task/*/comm | cut -d / -f 5 | head -n 1")
    try Guest.shell("python3 /run/hold.py \(thread) >/run/held 2>&1 &")
    try Guest.waitFor("the dispatcher to be held") {
      try FileDescriptor.openText("/run/held").contains("held")
    }
  }

  private static func misconfigured() throws {
    try serving { _ in
      try write("/etc/interruptsync/devices/60-bad.device", "[Match]\nIdd=x\n")
      defer { unlink("/etc/interruptsync/devices/60-bad.device") }
      _ = try? Guest.shell("systemctl restart \(unit)")
      try Guest.waitFor("the failure") { try property("ActiveState") == "failed" }
      try expectEqual(try property("ExecMainStatus"), "78", "exit status")
      try expectEqual(try property("NRestarts"), "0", "restarts")
    }
  }

  /// The last: nothing of it is left for the tests of the packages.
  private static func stop() throws {
    defer { remove() }
    try serving { registers in
      try raise(registers)
      let before = try Guest.shell("journalctl -q --show-cursor -n 0 | sed -n 's/^-- cursor: //p'")
      try Guest.shell("systemctl stop \(unit)")
      try expectEqual(try property("NFileDescriptorStore"), "0", "descriptors in store")
      try expectEqual(try property("Result"), "success", "result")
      let said = try Guest.shell("journalctl -q -u \(unit) --after-cursor='\(before)' -o cat")
      try expect(said.contains("stopping"), said)
      let users = try Guest.shell(
        "find /proc/[0-9]*/fd -lname '/dev/uio*' 2>/dev/null | grep -v /proc/\(getpid())/ || true")
      try expectEqual(users, "", "users of UIO devices")
      // Masked: what it raises now reaches nobody.
      let count = try event()
      try registers.write32(1, at: Edu.raise)
      try expectEqual(try event(), count, "the kernel's count")
      try registers.write32(.max, at: Edu.acknowledge)
    }
  }
}
