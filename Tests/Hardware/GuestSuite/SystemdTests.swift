// The service as it is installed, under the guest's own systemd: what it may, what it says, and that
// no interrupt is lost when it is restarted, killed or stuck.
import CUIO
import Glibc
import UIO

enum SystemdTests {
  static let cases = [
    Case("serviceIsReadyAsAUserWithoutCapabilities", ready),
    Case("serviceLosesNoInterruptOverRestarts", restarts),
    Case("serviceLosesNoInterruptWhenItIsKilled", kills),
    Case("serviceCountsWhatCameWhileItWasAway", away),
    Case("serviceForgetsADeviceThatWentAndTakesItBack", replug),
    Case("serviceIsEndedByTheWatchdogWhenADispatcherIsStuck", stuck),
    Case("serviceThatIsMisconfiguredIsNotRestarted", misconfigured),
    Case("serviceReleasesItsDevicesWhenItStops", stop),
  ]

  private static let unit = "interruptsyncd.service"
  private static let identity = "pci-\(Guest.eduA)"

  // MARK: The machine's side

  /// What a shell command prints; a failure unless it ends with 0.
  @discardableResult
  private static func shell(_ command: String) throws -> String {
    guard let pipe = popen("exec 2>&1; \(command)", "r") else {
      throw Failure(description: "popen")
    }
    var text = ""
    var buffer = [CChar](repeating: 0, count: 4096)
    while fgets(&buffer, Int32(buffer.count), pipe) != nil {
      text += String(
        decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
    let status = pclose(pipe)
    try expect(status == 0, "\(command): status \(status): \(text)")
    return text.hasSuffix("\n") ? String(text.dropLast()) : text
  }

  private static func property(_ name: String) throws -> String {
    try shell("systemctl show -P \(name) \(unit)")
  }

  private static func journal() -> String {
    (try? shell("journalctl -q -u \(unit) -n 40 --no-pager -o cat")) ?? ""
  }

  private static func write(_ path: String, _ text: String) throws {
    let parts = path.split(separator: "/")
    for count in 1..<parts.count { mkdir("/" + parts[..<count].joined(separator: "/"), 0o755) }
    close(creat(path, 0o644))
    try expectEqual(Guest.write(text + "\n", to: path), 0, "writing \(path)")
  }

  /// As a package would, but for what tests have to see: records on a file.
  private static func install() throws {
    try shell("cp interruptsyncd.service interruptsyncd.socket /etc/systemd/system/")
    try shell("install -D interruptsyncd /usr/sbin/interruptsyncd")
    try shell(
      "install -D -m 644 interruptsync.catalog /usr/lib/systemd/catalog/interruptsync.catalog")
    try shell("journalctl --update-catalog")
    try write(
      "/etc/systemd/system/\(unit).d/records.conf",
      """
      [Unit]
      StartLimitBurst=1000
      [Service]
      ExecStart=
      ExecStart=/usr/sbin/interruptsyncd --json
      StandardOutput=append:/run/records
      StandardError=journal
      RestartSec=0
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
    try shell("systemctl daemon-reload")
  }

  private nonisolated(unsafe) static var isInstalled = false

  /// A drop-in for the rest of the test.
  private static func configure(_ text: String) throws {
    try write("/etc/systemd/system/\(unit).d/test.conf", "[Service]\n" + text)
    try shell("systemctl daemon-reload")
  }

  /// Runs `body` with the service started anew, its totals at 0, and its device's registers at hand.
  private static func serving(_ body: (RegisterRegion) throws -> Void) throws {
    if !isInstalled {
      try install()
      // The configuration space is given to the group by the rule of udev.
      try shell("udevadm trigger --action=add --subsystem-match=uio && udevadm settle")
      isInstalled = true
    }
    unlink("/run/records")
    let device = try Guest.open(Guest.eduA)
    let registers = try device.region(bar: 0)
    try registers.write32(.max, at: Edu.acknowledge)
    defer { _ = try? shell("systemctl stop \(unit); systemctl reset-failed") }
    do {
      try shell("systemctl start \(unit)")
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

  /// The device's last record, as the daemon writes one a second.
  private static func record() -> Record? {
    let text = (try? FileDescriptor.openText("/run/records")) ?? ""
    return text.split(separator: "\n").last { $0.contains(Guest.eduA) }.flatMap(Record.init(line:))
  }

  private static func waitForCount(_ count: UInt32, since first: UInt32) throws {
    try Guest.waitFor(
      "\(count &- first) interrupts in the records; the last is \(record().map { "\($0)" } ?? "none")"
    ) { record().map { $0.interrupts == UInt64(count &- first) } ?? false }
  }

  // MARK: Cases

  private static func ready() throws {
    try serving { registers in
      try expectEqual(try property("ActiveState"), "active", "state")
      try expectEqual(try property("StatusText"), "1 of 1 devices serviced", "status")
      try expectEqual(try property("NFileDescriptorStore"), "3", "descriptors in store")
      let process = try property("MainPID")
      try expectEqual(try shell("ps -o user=,group= -p \(process)"), "interruptsync uio", "user")
      let status = try FileDescriptor.openText("/proc/\(process)/status")
      for set in ["CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        try expect(status.contains("\(set):\t0000000000000000\n"), "\(set) in \(status)")
      }
      try expect(status.contains("NoNewPrivs:\t1\n"), "NoNewPrivs in \(status)")
      try raise(registers)
      let entry = try shell(
        "journalctl -q -u \(unit) MESSAGE_ID=f106a8e877ea4141be7ace23e4a3bb93 -o json -n 1")
      for part in ["\"INTERRUPTSYNC_DEVICE\":\"uio", "\"PRIORITY\":\"6\"", "\"CODE_FILE\""] {
        try expect(entry.contains(part), "\(part) in \(entry)")
      }
      let explained = try shell(
        "journalctl -q -x -u \(unit) MESSAGE_ID=fbb865f87522408dbf9467cec23592f5 -n 1")
      try expect(explained.contains("Subject: The daemon is ready"), explained)
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
        try Guest.waitFor("the next process") {
          let now = try property("MainPID")
          return try now != before && now != "0" && property("ActiveState") == "active"
        }
        for value in 1...UInt32(20 + round % 5) { try raise(registers, value) }
      }
      try waitForCount(try event(), since: first)
      try expectEqual(try property("NFileDescriptorStore"), "3", "descriptors in store")
    }
  }

  private static func restarts() throws {
    try undisturbed(rounds: 4) { _ in try shell("systemctl restart --no-block \(unit)") }
  }

  private static func kills() throws {
    try undisturbed(rounds: 5) { round in
      // At another distance from the last save each time.
      usleep(UInt32(round) * 90_000)
      try shell("systemctl kill -s KILL \(unit)")
    }
  }

  /// Killed, and not restarted at once: the line stays armed until the first interrupt.
  private static func away() throws {
    try serving { registers in
      let first = try event()
      for _ in 1...5 { try raise(registers) }
      try configure("RestartSec=2")
      try shell("systemctl kill -s KILL \(unit)")
      try Guest.waitFor("its end") { try property("MainPID") == "0" }
      try registers.write32(1, at: Edu.raise)
      try Guest.waitFor("the kernel's count") { try event() &- first == 6 }
      try Guest.waitFor("the acknowledgement") { try registers.read32(at: Edu.status) == 0 }
      try raise(registers)
      try waitForCount(try event(), since: first)
      let continued = try shell(
        "journalctl -q -u \(unit) MESSAGE_ID=8e3a58b27d6549b8861030940d8e6e8b -o cat")
      try expect(continued.contains("going on from"), continued)
    }
  }

  private static func replug() throws {
    try serving { _ in
      Guest.unbind(Guest.eduA)
      try Guest.waitFor("the descriptors to be forgotten") {
        try property("NFileDescriptorStore") == "1"
      }
      try Guest.bind(Guest.eduA)
      try Guest.waitFor("the device to be serviced again") {
        try property("NFileDescriptorStore") == "3"
          && (try property("StatusText")) == "1 of 1 devices serviced"
      }
      let registers = try Guest.open(Guest.eduA).region(bar: 0)
      try raise(registers)
      try shell("systemctl restart \(unit)")
      try raise(registers)
      try Guest.waitFor("both in the records") { record()?.interrupts == 2 }
    }
  }

  private static func stuck() throws {
    try serving { registers in
      let first = try event()
      try raise(registers)
      try configure("RestartSec=0\nWatchdogSec=4")
      try shell("systemctl restart \(unit)")
      try raise(registers)
      let process = try property("MainPID")
      try holdDispatcher(process)
      try registers.write32(1, at: Edu.raise)
      try Guest.waitFor("the next process", seconds: 60) {
        let now = try property("MainPID")
        return try now != process && now != "0" && property("ActiveState") == "active"
      }
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
    let thread = try shell(
      "grep -l '^uio' /proc/\(process)/task/*/comm | cut -d / -f 5 | head -n 1")
    try shell("python3 /run/hold.py \(thread) >/run/held 2>&1 &")
    try Guest.waitFor("the dispatcher to be held") {
      try FileDescriptor.openText("/run/held").contains("held")
    }
  }

  private static func misconfigured() throws {
    try serving { _ in
      try write("/etc/interruptsync/devices/60-bad.device", "[Match]\nIdd=x\n")
      defer { unlink("/etc/interruptsync/devices/60-bad.device") }
      _ = try? shell("systemctl restart \(unit)")
      try Guest.waitFor("the failure") { try property("ActiveState") == "failed" }
      try expectEqual(try property("ExecMainStatus"), "78", "exit status")
      try expectEqual(try property("NRestarts"), "0", "restarts")
    }
  }

  private static func stop() throws {
    try serving { registers in
      try raise(registers)
      let before = try shell("journalctl -q --show-cursor -n 0 | sed -n 's/^-- cursor: //p'")
      try shell("systemctl stop \(unit)")
      try expectEqual(try property("NFileDescriptorStore"), "0", "descriptors in store")
      try expectEqual(try property("Result"), "success", "result")
      let said = try shell("journalctl -q -u \(unit) --after-cursor='\(before)' -o cat")
      try expect(said.contains("stopping"), said)
      let users = try shell(
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
