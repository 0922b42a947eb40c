// interruptsyncctl with the installed daemon, on an edu's registers and interrupts. Each case runs
// inside InstalledService.serving.
import CUIO
import Glibc
import LinuxSystem
import UIO
import Varlink

enum ControlTests {
  static let cases = [
    Case("controlTransactsOnRegisters", transact),
    Case("controlAttachServicesInterruptsFromAShellsLoop", attach),
    Case("controlDoctorExplainsAMaskedLineAndAStorm", doctor),
    Case("controlTellsWhatADeviceIsAndDoes", tell),
    Case("controlWaitsForAndWatchesInterrupts", watch),
    Case("controlSetsModeAndPolicyAndCallsMethodsAsTheyAre", set),
    Case("controlShowsTheRatesOfALineThatInterrupts", top),
  ]

  private static let device = InstalledService.device

  private static func transact() throws {
    try InstalledService.serving { _ in
      // The identification register.
      try expectEqual(
        try Control.run("transact \(device) read bar0:0/32"), "read bar0:0x0/32: 0x10000ed",
        "a read")
      // The register at 4 reads as the complement of what was written.
      try expectEqual(
        try Control.run(
          "transact --no-legend \(device) write bar0:4/32=0x12345678 read bar0:4/32 "
            + "'update bar0:4/32&0xff=0x3' 'read bar0:4/32&0xffff'"),
        "0x12345678\n0xedcba987\n0xedcba987\n0x56fc", "write, read, update, read")
      try expectEqual(
        try Control.run("transact --json \(device) write bar0:4/32=1 read bar0:4/32"),
        "{\"results\":[1,4294967294]}", "as JSON")
      // The card computes a factorial in a thread of its own.
      try Control.run("transact \(device) write bar0:8/32=6")
      try Guest.waitFor("6!") {
        let (status, text) = try Guest.run(
          "interruptsyncctl transact --no-legend \(device) "
            + "'wait bar0:0x20/32&1=0 900us' read bar0:8/32")
        return status == 0 && text.hasSuffix("\n0x2d0")
      }
      try Control.fail(
        "transact --no-legend \(device) read bar0:0/32 'wait bar0:0/32&1=0 200us' read bar0:0/32",
        ["0x10000ed\n", "the wait, operation 2, timed out"])
      // A transaction with a fault anywhere touches nothing.
      try Control.fail(
        "transact \(device) write bar0:4/32=7 read bar0:0x100000/32", ["operation 2: ", "bar0"])
      try Control.fail("transact \(device) write bar0:4/32=7 read bar5:0/32", ["operation 2: "])
      try expectEqual(
        try Control.run("transact --no-legend \(device) read bar0:4/32"), "0xfffffffe",
        "the register after the refusals")
      try Control.fail("transact \(device) read bar0:0/12", status: 2, ["bar0:0/12"])
    }
  }

  private static func attach() throws {
    try InstalledService.serving { registers in
      let client = try InstalledService.client()
      try InstalledService.raise(registers, 1)
      let shell = try Program(
        [
          "-c",
          """
          interruptsyncctl attach \(device) --count 20 --timeout 20 -- \
            read bar0:0x24/32 write bar0:0x64/32=claimed |
            while read -r time interrupts claimed status written; do
              echo "shell: $interrupts $claimed $status $written"
            done
          """,
        ], program: "/bin/sh")
      try Guest.waitFor("the attachment; the shell says \(shell.text)") {
        client.state(device) == "attached"
      }
      for value: UInt32 in 1...20 { try InstalledService.raise(registers, value) }
      try expectEqual(shell.wait(), 0, "exit status of the shell: \(shell.text)")
      let lines = shell.text.split(separator: "\n").filter { $0.hasPrefix("shell: ") }
      try expectEqual(
        lines.map(String.init),
        (1...20).map {
          let value = "0x" + String($0, radix: 16)
          return "shell: interrupts=1 claimed=yes \(value) \(value)"
        }, "what the shell's loop read")
      // The device's own routine services it again.
      try Guest.waitFor("the routine's return") { client.state(device) == "connected" }
      try InstalledService.raise(registers, 1)
      try Control.fail("attach \(device) --timeout 0.1 -- read bar0:0x24/32", ["no interrupt"])
    }
  }

  /// INTx Disable, as another program may set it.
  private static func mask() throws {
    let file = try FileDescriptor.open("\(Guest.pci(Guest.eduA))/config", O_RDWR)
    var command: UInt16 = 0
    try expectEqual(pread(file.raw, &command, 2, 4), 2, "reading COMMAND")
    command |= UInt16(littleEndian: 0x400)
    try expectEqual(pwrite(file.raw, &command, 2, 4), 2, "writing COMMAND")
  }

  private static func doctor() throws {
    try InstalledService.serving { registers in
      try InstalledService.raise(registers)
      // The third edu is on the same line.
      let healthy = try Control.run("doctor \(device)")
      try expect(
        healthy.contains("warning: IRQ \(try Guest.irq(Guest.eduA)) is shared with"), healthy)
      try expect(!healthy.contains("problem"), healthy)
      try mask()
      try registers.write32(1, at: Edu.raise)
      try Control.fail(
        "doctor \(device)",
        [
          "problem: PCI COMMAND masks the line (INTx Disable), and the device asserts its interrupt",
          "hint: ",
        ])
      // Following the hint helps.
      try Control.run("disconnect \(device)")
      try Control.fail("doctor \(device)", ["problem: it is disconnected"])
      try Control.run("connect \(device)")
      try Guest.waitFor("the acknowledgement") { try registers.read32(at: Edu.status) == 0 }
      try expect(!(try Control.run("doctor \(device)")).contains("problem"), "a problem")
      // A bit that the identification register never has.
      try InstalledService.write(
        "[Device]\nStormLimit=50\nStormAction=stay-masked\n[Routine]\nClaim=bar0:0/32&0x2")
      try Control.run("reload")
      try registers.write32(1, at: Edu.raise)
      let client = try InstalledService.client()
      try Guest.waitFor("the storm") { client.state(device) == "storming" }
      let findings = try Control.fail(
        "doctor \(device) --json",
        ["the storm brake masks the line", "claimed"])
      try expectEqual(
        try Control.object(findings)["findings"]?.array?.first?.object?["severity"]?.string,
        "problem", "severity")
      try registers.write32(.max, at: Edu.acknowledge)
      try Guest.shell("systemctl stop \(InstalledService.socket) \(InstalledService.unit)")
      try Control.fail("doctor", ["interruptsyncd: problem: ", "systemctl start interruptsyncd"])
    }
  }

  private static func tell() throws {
    let soft = "/etc/interruptsync/devices/70-soft.device"
    try Packages.install()
    try Guest.create("[Match]\nSoftwareLine=soft", at: soft)
    defer { unlink(soft) }
    try InstalledService.serving { registers in
      for _ in 1...10 { try InstalledService.raise(registers) }
      let info = try Control.json("info \(device)")["device"]?.object ?? [:]
      try expectEqual(info["state"]?.string, "connected", "state")
      try expectEqual(info["driver"]?.string, "uio_pci_generic", "driver")
      try expectEqual(info["rearm"]?.string, "pci-command", "re-arming")
      try expectEqual(info["irq"]?.int64, Int64(try Guest.irq(Guest.eduA)), "irq")
      let bar = info["regions"]?.array?.first { $0.object?["name"]?.string == "bar0" }?.object
      try expectEqual(bar?["size"]?.int64, 0x100000, "size of bar0")
      let text = try Control.run("info \(device)")
      for word in ["State:     connected", "Routines:  edu", "0x100000"] {
        try expect(text.contains(word), "\(word) in \(text)")
      }
      let list = try Control.json("list")["devices"]?.array ?? []
      let states = Dictionary(
        list.compactMap { $0.object }.map { ($0["id"]?.string ?? "", $0["state"]?.string ?? "") },
        uniquingKeysWith: { $0 + $1 })
      try expectEqual(states[device], "connected", "state in the list")
      try expectEqual(states["pci-\(Guest.eduB)"], "listed", "state in the list")
      try expectEqual(states["soft"], "connected", "state in the list")
      try Control.run("trigger soft -n 7")
      try Guest.waitFor("7 interrupts") {
        try statistics("soft")["interrupts"]?.int64 == 7
      }
      try Control.fail("trigger \(device)", ["only software lines and vectors can be triggered"])
      let counts = try statistics(device)
      for name in ["interrupts", "dispatches", "claimed"] {
        try expectEqual(counts[name]?.int64, 10, name)
      }
      try expectEqual(counts["unclaimed"]?.int64, 0, "unclaimed")
      let table = try Control.run("stats \(device)")
      try expect(table.contains("Interrupts:          10\n"), table)
      try expectEqual(
        try Control.run("status \(device)"), "\(device): connected", "status")
      let metrics = try Control.run("metrics")
      try expect(
        metrics.contains("interruptsync_interrupts_total{device=\"\(device)\"} 10\n"), metrics)
    }
  }

  private static func set() throws {
    try InstalledService.serving { registers in
      try Control.run("set \(device) --mode repeat --policy fifo:12")
      let described = try Control.object(
        try Control.run("call DescribeDevice '{\"device\":\"\(device)\"}'"))
      try expectEqual(described["device"]?.object?["mode"]?.string, "repeat", "mode")
      try expectEqual(try dispatcher(), "12 1", "priority and policy (SCHED_FIFO)")
      try InstalledService.raise(registers)
      try Control.run("set \(device) --policy other")
      try expectEqual(try dispatcher(), "0 0", "priority and policy (SCHED_OTHER)")
      try InstalledService.raise(registers)
      let counts = try Control.object(
        try Control.run("call io.interruptsync.GetStatistics '{\"device\":\"\(device)\"}'"))
      let entry = counts["statistics"]?.array?.first?.object
      try expectEqual(entry?["interrupts"]?.int64, 2, "interrupts over both changes")
      // A pass in which no routine claimed followed each of them.
      try expectEqual(entry?["passes"]?.int64, 4, "passes")
      try Control.fail(
        "call DescribeDevice '{\"device\":7}'", ["does not accept this value for device"])
      try Control.fail("call NoSuchMethod", ["io.interruptsync.NoSuchMethod"])
      // The daemon leaves the policy alone when the unit does not allow the new one.
      try Control.run("set \(device) --policy fifo:99")
      try expectEqual(try dispatcher(), "0 0", "beyond LimitRTPRIO=")
      try InstalledService.raise(registers)
      let text = try Control.run("introspect")
      for word in ["interface io.interruptsync\n", "method Transact(", "error WaitExpired"] {
        try expect(text.contains(word), "\(word) in \(text)")
      }
      try expect(
        try Control.run("introspect org.varlink.service").contains("method GetInfo("), "GetInfo")
      try Control.run("reload")
      try expectEqual(
        try Control.json("info \(device)")["device"]?.object?["mode"]?.string, "normal",
        "mode after the reload")
    }
  }

  /// Real-time priority and policy of the device's dispatcher, as the kernel has them.
  private static func dispatcher() throws -> String {
    guard let process = InstalledService.process() else { throw Failure(description: "no process") }
    // proc(5): skip the name, which may contain spaces, and read the fields after it.
    return try Guest.shell(
      "grep -lx '\(device.prefix(15))' /proc/\(process)/task/*/comm | while read -r name; do "
        + "sed 's/.*) //' \"${name%comm}stat\" | cut -d ' ' -f 38,39; done")
  }

  private static func top() throws {
    try InstalledService.serving { registers in
      let still = try Control.run("top --interval 200ms --no-legend")
      try expect(still.contains("\(device)"), still)
      try expectEqual(try rate(still), 0, "interrupts a second while there are none")
      var shown = ""
      var raised = 0
      let start = ContinuousClock.now
      raised = try Raiser.raise(registers) { raiser in
        try raiser.wait(more: 10)
        shown = try Control.run("top --interval 1s --no-legend")
        try raiser.wait(more: 10)
      }
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      let rate = try rate(shown)
      // Some came within its second, but no more than in total.
      try expect(
        rate > 0 && rate <= Double(raised), "\(rate) of \(raised) in \(seconds) s: \(shown)")
    }
  }

  /// The third column of the device's row.
  private static func rate(_ view: String) throws -> Double {
    let row = view.split(separator: "\n").first { $0.hasPrefix(device) } ?? ""
    let cells = row.split(separator: " ")
    guard cells.count > 2, let rate = Double(cells[2]) else { throw Failure(description: view) }
    return rate
  }

  private static func statistics(_ device: String) throws -> JSONObject {
    try Control.json("stats \(device)")["statistics"]?.array?.first?.object ?? [:]
  }

  private static func watch() throws {
    try InstalledService.serving { registers in
      try Control.run("wait --timeout 20")
      try Control.run("wait \(device) --timeout 20")
      try Control.fail(
        "wait \(device) --for interrupt --timeout 200ms", ["no interrupt came in time"])
      let waiting = try Control.start("wait \(device) --for interrupt -n 30 --timeout 60")
      let each = try Control.start("watch \(device) --all -n 25 --json")
      let summary = try Control.start("watch \(device) -n 2 --json")
      try Raiser.raise(registers) { _ in
        for program in [waiting, each, summary] {
          try expectEqual(program.wait(), 0, "exit status: \(program.text)")
        }
      }
      let records = try each.text.split(separator: "\n").map { try Control.object(String($0)) }
      try expectEqual(records.count, 25, "records")
      // The raiser gives each interrupt the next number as its status.
      let first = records[0]["captured"]?.object?["status"]?.int64 ?? 0
      for (index, record) in records.enumerated() {
        try expectEqual(record["interrupts"]?.int64, 1, "interrupts of record \(index)")
        try expectEqual(
          record["captured"]?.object?["status"]?.int64, first + Int64(index),
          "status of record \(index)")
        try expectEqual(record["dropped"]?.int64, 0, "dropped before record \(index)")
      }
      let sums = try summary.text.split(separator: "\n").map { try Control.object(String($0)) }
      try expectEqual(sums.count, 2, "summaries")
      try expect(sums.allSatisfy { ($0["interrupts"]?.int64 ?? 0) > 0 }, summary.text)
      let present = try Control.run("watch -n 1")
      try expect(present.contains(" present "), present)
    }
  }
}
