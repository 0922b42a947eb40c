// docs/processes.md on a real device: a child that releases what it inherited, daemon(3), a second
// process, and exit while connected. The program that forks and exits is in C (programs/processes.c),
// as Swift's runtime allows no fork.
import Glibc
import InterruptSync

enum ProcessTests {
  static let cases = [
    Case("childThatReleasesWhatItInheritedStopsNoInterruptOfItsParent") {
      try run("child-releases", "after the child: 10 of 10 serviced")
    },
    Case("objectOfAProcessThatBecameADaemonIsConnectedAgain") {
      try run("daemon", "in the daemon: 10 of 10 serviced")
    },
    Case("secondProcessIsRefusedAndToldTheHolder", refused),
    Case("noRoutineRunsOnceExitHasBegunToDestroy", exits),
  ]

  private static func run(_ statement: String, _ wanted: String, holder: String? = nil) throws {
    let arguments = [statement, "pci-\(Guest.eduA)"] + (holder.map { [$0] } ?? [])
    let program = try Program(arguments, program: "processes")
    let status = program.wait()
    try Guest.waitFor("\"\(wanted)\" in \(program.text)") { program.text.contains(wanted) }
    try expectEqual(status, 0, "exit status: \(program.text)")
  }

  /// The holder is this process.
  private static func refused() throws {
    let edu = try Edu(Guest.eduA)
    let object = try edu.object()
    try object.connect()
    try run("refused", "guest-suite", holder: "\(getpid())")
    try edu.chain(10, through: object)
    try Guest.waitFor("ten more") { edu.serviced >= 10 }
    try object.disconnect()
  }

  private static func exits() throws {
    try run("exit", "0 routines ran after the end")
    // The process has left a masked line: an interrupt that the device raises now reaches nothing.
    let edu = try Edu(Guest.eduA)
    let events = try Guest.event(edu.device)
    try edu.registers.write32(1, at: Edu.raise)
    try expectEqual(try Guest.event(edu.device), events, "events while masked")
    try edu.registers.write32(.max, at: Edu.acknowledge)
  }
}
