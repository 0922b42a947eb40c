// The Debian packages on a machine that runs: what they start, that an upgrade loses nothing, and
// that nothing stays of them.
import Glibc
import UIO

enum PackageTests {
  /// The last that need the packages: they are gone then.
  static let cases = [Case("packagesAreInstalledUpgradedAndPurgedWithoutATrace", life)]

  private static let service = InstalledService.unit
  private static let socket = InstalledService.socket

  private static func life() throws {
    try InstalledService.serving { registers in
      try active()
      try runs()
      try losesNothingOverAnUpgrade(registers)
    }
    InstalledService.unconfigure()
    try Packages.purge()
  }

  private static func active() throws {
    for unit in [service, socket] {
      try expectEqual(try InstalledService.property("ActiveState", of: unit), "active", unit)
      try expectEqual(try InstalledService.property("UnitFileState", of: unit), "enabled", unit)
    }
    try expectEqual(try InstalledService.property("NRestarts"), "0", "restarts")
  }

  private static func runs() throws {
    let process = try InstalledService.property("MainPID")
    try expectEqual(
      try Guest.shell("stat -c '%U %G' /proc/\(process)"), "interruptsync uio", "user and group")
    try expectEqual(
      try Guest.shell("stat -L -c '%G %a' /dev/uio/by-path/pci-\(Guest.eduA)"), "uio 660",
      "the node behind its link")
    try expectEqual(
      try Guest.shell("stat -c '%G %a' \(Guest.pci(Guest.eduA))/config"), "uio 664",
      "the configuration space")
    // The library is found by its name, without a path.
    try Guest.shell("python3 -c 'import ctypes; ctypes.CDLL(\"libinterruptsync.so.0\")'")
  }

  private static func losesNothingOverAnUpgrade(_ registers: RegisterRegion) throws {
    for value in 1...100 { try InstalledService.raise(registers, UInt32(value)) }
    try expectEqual(try InstalledService.interrupts(), 100, "interrupts before the upgrade")
    let process = try InstalledService.property("MainPID")
    try Guest.shell("dpkg -i packages/next/*.deb")
    try expect(try InstalledService.property("MainPID") != process, "the old process runs on")
    try active()
    for value in 1...100 { try InstalledService.raise(registers, UInt32(value)) }
    try expectEqual(try InstalledService.interrupts(), 200, "interrupts after the upgrade")
  }
}
