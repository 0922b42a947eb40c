// Processors of a dispatcher's thread and of its interrupt, as the daemon keeps them: a processor that
// goes offline and comes back, and an interrupt that another program moves. The daemon is a process.
import Glibc
import LinuxSystem
import UIO

enum AffinityTests {
  static let cases = [
    Case("affinitiesAreRestoredWhenTheirProcessorIsBack", offline),
    Case("affinitiesThatAreMovedAreRestoredAndReportedOnce", moved),
  ]

  private static let processor = "/sys/devices/system/cpu/cpu1/online"
  private static let root = "/tmp/affinity"
  /// The kernel keeps 15 bytes of it.
  private static let thread = "pci-\(Guest.eduA)"
  private static let doctor = "doctor --address \(root)/socket pci-\(Guest.eduA)"

  /// A daemon that services the first edu on processor 1, and the second one's interrupt on 0.
  private struct Served {
    let daemon: Program
    /// Where the interrupts of the two may be served.
    let lines: [String]
    let interrupt: String

    /// Waits until the first one's thread and interrupt are on processor 1.
    func waitForPlace() throws {
      try Guest.waitFor("processor 1 of \(thread); the daemon says: \(daemon.text)") {
        let schedule = ThreadSchedule.ofProcess(daemon.id).first {
          thread.hasPrefix($0.name)
        }
        return try schedule?.processors == [1] && Guest.text(lines[0]) == "1"
      }
    }

    func count(_ text: String) -> Int {
      daemon.text.split(separator: "\n").count { $0.contains(text) }
    }

    /// Waits until the daemon has looked at every affinity: it has put back the second interrupt.
    func waitForLook() throws {
      let before = count("it had been moved to 0,1")
      try expectEqual(Guest.write("0-1", to: lines[1]), 0, "moving the second interrupt")
      try Guest.waitFor("a look") { count("it had been moved to 0,1") > before }
    }
  }

  private static func serving(_ body: (Served) throws -> Void) throws {
    defer {
      Guest.write("1", to: processor)
      _ = try? Guest.shell("rm -rf \(root)")
    }
    let numbers = [try Guest.irq(Guest.eduA), try Guest.irq(Guest.eduB)]
    for (name, address, settings) in [
      ("a", Guest.eduA, "CPUAffinity=1\nInterruptCPUAffinity=1"),
      ("b", Guest.eduB, "InterruptCPUAffinity=0"),
    ] {
      try Guest.create(
        """
        [Match]
        Id=pci-\(address)
        [Device]
        \(settings)
        [Routine]
        Claim=bar0:0x24/32
        Acknowledge=bar0:0x64/32=claimed
        """, at: "\(root)/etc/interruptsync/devices/\(name).device")
    }
    let daemon = try Program(["--config-root", root, "--listen", "\(root)/socket"])
    for address in [Guest.eduA, Guest.eduB] { try daemon.waitForText("pci-\(address): connected") }
    let served = Served(
      daemon: daemon, lines: numbers.map { "/proc/irq/\($0)/smp_affinity_list" },
      interrupt: "interrupt \(numbers[0])")
    try served.waitForPlace()
    try body(served)
    try Guest.open(Guest.eduA).region(bar: 0).raise(1...50)
    try expectEqual(try daemon.terminate().0, 0, "exit status")
  }

  private static func offline() throws {
    try serving { served in
      let daemon = served.daemon
      try expectEqual(Guest.write("0", to: processor), 0, "putting the processor offline")
      let lost = ["the thread \(thread)", served.interrupt].map {
        "keep \($0) on processors 1: no processor of these is online"
      }
      for text in lost { try daemon.waitForText(text) }
      let told = try Control.run(doctor)
      try expect(told.contains("InterruptCPUAffinity= asks for 1"), told)
      try expect(told.contains("and CPUAffinity= asks for 1"), told)
      try expect(told.contains("processor 1 is offline"), told)
      for _ in 0..<2 { try served.waitForLook() }
      try expectEqual(Guest.write("1", to: processor), 0, "putting the processor online")
      let back = ["the thread \(thread)", served.interrupt].map { "\($0) is on processors 1 again" }
      for text in back { try daemon.waitForText(text) }
      try served.waitForPlace()
      try served.waitForLook()
      for text in lost + back { try expectEqual(served.count(text), 1, text + daemon.text) }
    }
  }

  private static func moved() throws {
    try serving { served in
      let daemon = served.daemon
      let moved = "\(served.interrupt) is on processors 1 again; it had been moved to 0"
      for round in 1...2 {
        try expectEqual(Guest.write("0", to: served.lines[0]), 0, "moving the interrupt")
        try Guest.waitFor("report \(round)") { served.count(moved) == round }
        try served.waitForPlace()
      }
      let tasks = try FileDescriptor.list("/proc/\(daemon.id)/task")
      let task = tasks.first {
        let name = try? Guest.text("/proc/\(daemon.id)/task/\($0)/comm")
        return name.map { thread.hasPrefix($0) } ?? false
      }
      try Guest.shell("taskset -cp 0 \(task ?? "0")")
      let back = "the thread \(thread) is on processors 1 again; it had been moved to 0"
      try daemon.waitForText(back)
      try served.waitForPlace()
      try served.waitForLook()
      try expectEqual(served.count(moved), 2, "reports of the interrupt in \(daemon.text)")
      try expectEqual(served.count(back), 1, "reports of the thread in \(daemon.text)")
      let told = try Control.run(doctor)
      try expect(!told.contains("asks for 1"), told)
    }
  }
}
