// No interrupt is lost when the service is restarted, killed or absent. A thread raises interrupts all
// the while (Raiser).
import CUIO
import Glibc
import UIO

enum RestartTests {
  static let cases = [
    Case("serviceLosesNoInterruptOverRestarts", restarts),
    Case("serviceLosesNoInterruptWhenItIsKilled", kills),
    Case("serviceCountsWhatCameWhileItWasAway", away),
  ]

  private static let rounds = repetitions(50, short: 5)

  private static func restarts() throws {
    try undisturbed { _ in try Guest.shell("systemctl restart \(InstalledService.unit)") }
  }

  private static func kills() throws {
    var random = Random()
    try undisturbed { process in
      // At a random distance from the last save; the daemon saves once a second.
      let isFar = random.next(below: 5) == 0
      usleep(random.next(below: isFar ? 1_000_000 : 50_000))
      try expectEqual(kill(process, SIGKILL), 0, "kill")
    }
  }

  /// Raises interrupts while `disturb` ends the process repeatedly.
  ///
  /// Each interrupt is acknowledged, and the daemon's count equals both of the kernel's. A process that
  /// ends after it read the status and before it acknowledged leaves the device asserting: the next
  /// process unmasks the line, and the kernel counts that interrupt again (fact 57).
  private static func undisturbed(_ disturb: (pid_t) throws -> Void) throws {
    try InstalledService.serving { registers in
      let irq = try Guest.irq(Guest.eduA)
      let first = (try InstalledService.event(), try Guest.kernelCount(irq: irq))
      let start = Clock.now
      let raised = try Raiser.raise(registers) { raiser in
        for round in 1...rounds {
          try raiser.wait(more: 5)
          guard let process = InstalledService.process() else {
            throw Failure(description: "round \(round): there is no process")
          }
          try disturb(process)
          try InstalledService.waitForProcess(after: process)
        }
        try raiser.wait(more: 5)
      }
      let seconds = Double(Clock.now - start) / 1e9
      let counted = try InstalledService.event() &- first.0
      say("\(raised) raised, \(counted) counted by the kernel, \(rounds) processes, \(seconds) s")
      try expect(raised >= 5 * rounds, "only \(raised) raised")
      try expect(
        Int(counted) >= raised && Int(counted) <= raised + rounds,
        "\(raised) raised, and the kernel counted \(counted)")
      try expectEqual(
        try Guest.kernelCount(irq: irq) - first.1, UInt64(counted), "/proc/interrupts")
      try InstalledService.waitForCount(first.0 &+ counted, since: first.0)
      try expectEqual(
        try InstalledService.property("NFileDescriptorStore"), "4", "descriptors in store")
    }
  }

  /// Kills the service, which systemd restarts later: the line stays armed until the first interrupt.
  private static func away() throws {
    try InstalledService.serving { registers in
      let first = try InstalledService.event()
      for _ in 1...5 { try InstalledService.raise(registers) }
      try InstalledService.configure("RestartSec=2")
      try Guest.shell("systemctl kill -s KILL \(InstalledService.unit)")
      try Guest.waitFor("its end") { InstalledService.process() == nil }
      try registers.write32(1, at: Edu.raise)
      try Guest.waitFor("the kernel's count") { try InstalledService.event() &- first == 6 }
      try Guest.waitFor("the acknowledgement") { try registers.read32(at: Edu.status) == 0 }
      try InstalledService.raise(registers)
      try InstalledService.waitForCount(try InstalledService.event(), since: first)
      let continued = try Guest.shell(
        "journalctl -q -u \(InstalledService.unit) MESSAGE_ID=8e3a58b27d6549b8861030940d8e6e8b "
          + "-o cat")
      try expect(continued.contains("continuing from"), continued)
    }
  }
}
