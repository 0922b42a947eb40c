// The Debian packages on a running machine: what they start, that an upgrade loses no interrupt, and
// that a purge leaves nothing. `Packages` installs them for the first case that needs them.
import Glibc
import UIO

enum PackageTests {
  /// The last cases that need the packages, because they purge them.
  static let cases = [Case("packagesAreInstalledUpgradedAndPurgedWithoutATrace", life)]

  private static let service = InstalledService.unit
  private static let socket = InstalledService.socket

  private static func life() throws {
    try InstalledService.serving { registers in
      try active()
      try runs()
      try writesMetrics()
      try losesNothing(registers)
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

  /// docs/monitoring.md: a file in the service's own folder needs no further rights, and every user may
  /// read it.
  private static func writesMetrics() throws {
    let file = "/run/interruptsync/interruptsync.prom"
    try Guest.create(
      "[Daemon]\nMetricsTextfile=\(file)",
      at: "/etc/interruptsync/interruptsyncd.conf.d/metrics.conf")
    try Guest.shell("systemctl reload \(service)")
    try expectEqual(try Guest.shell("stat -c '%U %a' \(file)"), "interruptsync 644", file)
    try Guest.shell("runuser -u nobody -- grep -q '^interruptsync_device_info' \(file)")
  }

  /// Over an upgrade, and over the way back: each version goes on from what the other one counted.
  private static func losesNothing(_ registers: RegisterRegion) throws {
    for value in 1...100 { try InstalledService.raise(registers, UInt32(value)) }
    try expectEqual(try InstalledService.interrupts(), 100, "interrupts before the upgrade")
    for (total, packages) in [(200, "packages/next/*.deb"), (300, "packages/interruptsyncd_*.deb")]
    {
      let process = try InstalledService.property("MainPID")
      try Guest.shell("dpkg -i \(packages)")
      try expect(try InstalledService.property("MainPID") != process, "the old process runs on")
      try active()
      for value in 1...100 { try InstalledService.raise(registers, UInt32(value)) }
      try expectEqual(
        try InstalledService.interrupts(), UInt64(total), "interrupts after \(packages)")
    }
  }
}

/// The Debian packages of the payload.
enum Packages {
  static let names = "interruptsyncd libinterruptsync-dev libinterruptsync0"
  /// Files of that name from before the packages; nil when the packages are not installed.
  private nonisolated(unsafe) static var before: Set<Substring>?
  private static let link = "/dev/uio/by-path/pci-\(Guest.eduA)"

  /// Installs the packages once, on a Debian without a trace of them.
  static func install() throws {
    guard before == nil else { return }
    try clear()
    let found = try traces()
    let own = found.filter { !$0.hasPrefix("/tmp/") }
    try expectEqual(own.sorted(), [], "files before the packages")
    try Guest.shell("dpkg -i packages/*.deb")
    before = found
  }

  /// Removes what the suite itself has set up where the packages install.
  private static func clear() throws {
    try Guest.shell("rm -f /etc/udev/rules.d/*interruptsync*.rules && udevadm control --reload")
    try Guest.shell("rm -f /usr/bin/interruptsyncctl")
    // Drivers and configurations of other cases.
    try Guest.shell("rm -rf /usr/lib/interruptsync")
    try Guest.shell("if getent passwd interruptsync; then userdel interruptsync; fi")
    try Guest.shell("if getent group uio; then groupdel uio; fi")
    try Guest.shell("udevadm trigger --settle --subsystem-match=uio --action=add")
    try expectEqual(access(link, F_OK), -1, "link without a rule")
  }

  /// Purges the packages, expects that they leave nothing, and sets up again what other cases need.
  static func purge() throws {
    defer { restore() }
    try Guest.shell("dpkg --purge \(names) && udevadm settle")
    let found = before ?? []
    before = nil
    try expectEqual(try traces().subtracting(found).sorted(), [], "files left")
    let left = try Guest.shell(
      """
      systemctl list-unit-files --no-legend 'interruptsync*'
      systemctl list-units --all --no-legend 'interruptsync*'
      ps -eo user:32=,args= | grep -E '^interruptsync |^[^ ]+ +[^ ]*interruptsyncd( |$)'
      dpkg-query -W -f '${db:Status-Abbrev} ${Package}\\n' | grep interruptsync
      true
      """)
    try expectEqual(left, "", "left")
    let node = "/dev/uio\(try UIODeviceInfo.find(UIODeviceID("pci-\(Guest.eduA)")).number)"
    try expectEqual(try Guest.shell("stat -c '%U %G %a' \(node)"), "root root 600", node)
    try expectEqual(
      try Guest.shell("stat -c '%G %a' \(Guest.pci(Guest.eduA))/config"), "root 644",
      "the configuration space")
  }

  private static func restore() {
    _ = try? Guest.shell("dpkg --purge \(names)")
    _ = try? Guest.shell("systemd-sysusers - <interruptsync.sysusers")
    _ = try? Guest.shell("cp ./interruptsyncctl /usr/bin/ && cp ./*.rules /etc/udev/rules.d/")
    _ = try? Guest.shell("udevadm control --reload")
    _ = try? Guest.shell("udevadm trigger --settle --subsystem-match=uio --action=add")
  }

  /// Files with interruptsync in their name or of its user, including those that another case may have
  /// left outside the packages' folders.
  private static func traces() throws -> Set<Substring> {
    Set(
      try Guest.shell(
        """
        user=$(getent passwd interruptsync | cut -d: -f3)
        find / /run /dev -xdev \\( -path /t -o -path /var/log \\) -prune -o \
          \\( ${user:+-uid $user -o} -name '*interruptsync*' -o -path /dev/uio \\) -print || true
        """
      ).split(separator: "\n"))
  }
}
