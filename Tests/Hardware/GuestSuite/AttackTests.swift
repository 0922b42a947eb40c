// The installed service under its real unit, while 64 clients of four unprivileged users do everything
// hostile at once. The suite's thread raises interrupts meanwhile; attack.py, which the daemon's own tests
// share, is the attackers, root's client, and what watches the service's threads.
import CUIO
import Glibc
import LinuxSystem
import UIO

enum AttackTests {
  static let cases = [
    Case(
      "serviceUnderAttackLosesNothingAndIsNotEndedByTheWatchdog", limit: .seconds(2400), attacked)
  ]

  private typealias Service = InstalledService
  /// A round. A minute for the two kernels.
  private static var seconds: Int { repetitions(600, short: 30) }
  /// What the machine below the guest does to every process is no fault of the service: a round whose
  /// waits are over the bound is repeated. A lost interrupt fails at once.
  private static let rounds = 3
  /// The device counts as not serviced while an interrupt waits longer, which is at most 0.1 % of the time.
  private static let longestWait = 0.100
  private static let leastServiced = 0.999

  private static func attacked() throws {
    // As for a device that must not wait for ordinary programs.
    let sections = "[Device]\nPolicy=fifo\nPriority=40\n[Routine]\nName=edu\n" + Service.recipe
    try Service.serving(sections) { registers in
      try Service.configure("WatchdogSec=20")
      try Guest.shell("systemctl restart \(Service.unit)")
      try Guest.waitFor("the device") {
        try Service.client().state(Service.device) == "connected"
      }
      guard let process = Service.process() else { throw Failure(description: "no process") }
      let before = (try Service.event(), try Service.interrupts() ?? 0)
      var raised: UInt32 = 0
      var serviced = 0.0
      for _ in 1...rounds where serviced < leastServiced {
        serviced = try attack(process, registers, &raised)
      }
      try expect(serviced >= leastServiced, "serviced \(serviced * 100) % of the time")
      try expectEqual(Service.process(), process, "the service's process")
      try expectEqual(try Service.property("NRestarts"), "0", "restarts")
      try expectEqual(try Service.event() &- before.0, raised, "the kernel's count")
      try expectEqual(
        try Service.interrupts(), before.1 + UInt64(raised), "the daemon's count")
      try Guest.shell("systemctl reload \(Service.unit)")
      try Guest.shell("systemctl stop \(Service.unit)")
      try expectEqual(try Service.property("Result"), "success", "result")
    }
  }

  /// The part of the time for which no interrupt had waited for long.
  ///
  /// - Parameter raised: grows by the interrupts.
  private static func attack(
    _ process: pid_t, _ registers: RegisterRegion, _ raised: inout UInt32
  ) throws -> Double {
    guard let group = getgrnam("uio")?.pointee.gr_gid else { throw Failure(description: "group") }
    let numbers = ["\(seconds)", "\(group)", "\(process)"]
    let attack = try Program(
      ["attack.py", Service.address, Service.device] + numbers, program: "/usr/bin/python3")
    let (count, serviced) = try raise(registers) { !attack.hasEnded }
    raised += count
    try expectEqual(attack.wait(), 0, "the attack's exit status: \(attack.text)")
    say("\(attack.text)\(count) interrupts, serviced \(serviced * 100) % of the time")
    return serviced
  }

  /// Raises one interrupt after the other, as long as it is asked to. How many, and for which part of
  /// the time no interrupt had waited for long, as the ring's records say.
  private static func raise(
    _ registers: RegisterRegion, while goesOn: () -> Bool
  ) throws -> (count: UInt32, serviced: Double) {
    let client = try Service.client()
    let ring = try Ring(client, Service.device)
    let start = Clock.now
    var (count, late): (UInt32, Double) = (0, 0)
    var told = start
    while goesOn() {
      // A guest that says nothing for ten minutes is ended.
      if Clock.now - told > 60_000_000_000 {
        told = Clock.now
        say("\(count) interrupts so far")
      }
      count += 1
      let raised = Clock.now
      try registers.write32(count, at: Edu.raise)
      let wait = Double(try ring.next().time - raised) / 1e9
      if wait > longestWait { late += wait }
      usleep(2000)
    }
    try expectEqual(ring.dropped, 0, "dropped records")
    return (count, 1 - late / (Double(Clock.now - start) / 1e9))
  }
}
