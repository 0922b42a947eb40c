// The sandbox of the installed unit, tried from inside: another program runs in the daemon's place, as its
// user and under all that the unit forbids, and takes an attacker's first steps.
import Glibc

enum SandboxTests {
  static let cases = [Case("sandboxHoldsAgainstAProgramInTheDaemonsPlace", sandbox)]

  private static let program = "/usr/bin/python3 /t/sandbox.py /tmp/outside"

  private static func sandbox() throws {
    try InstalledService.prepare()
    try Guest.create("", at: "/tmp/outside")
    defer { unlink("/tmp/outside") }
    // Root outside can do all of it: each of the program's claims is able to break.
    let outside = try Guest.shell("\(program) || true")
    try expect(!outside.contains("holds:") && outside.contains("broken:"), outside)
    defer { InstalledService.end() }
    try InstalledService.configure("ExecStartPre=\(program)")
    let cursor = try InstalledService.cursor()
    do { try Guest.shell("systemctl start \(InstalledService.unit)") } catch {
      throw Failure(description: "\(error); the journal: \(InstalledService.journal())")
    }
    let inside = try InstalledService.journal(after: cursor)
    try expect(inside.contains("0 of 16 broken"), inside)
  }
}
