// The Debian packages on the guest's machine: installed for the first case that is about them, and
// purged by the last.
import Glibc
import UIO

enum Packages {
  static let names = "interruptsyncd libinterruptsync-dev libinterruptsync0"
  /// Files that bore the name before the packages came; nil when they are not installed.
  private nonisolated(unsafe) static var before: Set<Substring>?
  private static let link = "/dev/uio/by-path/pci-\(Guest.eduA)"

  /// Onto a Debian that knows nothing of them, once.
  static func install() throws {
    guard before == nil else { return }
    try clear()
    let found = try traces()
    let own = found.filter { !$0.hasPrefix("/tmp/") }
    try expectEqual(own.sorted(), [], "files before the packages")
    try Guest.shell("dpkg -i packages/*.deb")
    before = found
  }

  /// Takes away what the suite itself has set up in the packages' place.
  private static func clear() throws {
    try Guest.shell("rm -f /etc/udev/rules.d/*interruptsync*.rules && udevadm control --reload")
    // Drivers and configurations of other cases.
    try Guest.shell("rm -rf /usr/lib/interruptsync")
    try Guest.shell("if getent passwd interruptsync; then userdel interruptsync; fi")
    try Guest.shell("if getent group uio; then groupdel uio; fi")
    try Guest.shell("udevadm trigger --settle --subsystem-match=uio --action=add")
    try expectEqual(access(link, F_OK), -1, "link without a rule")
  }

  /// Expects that they leave nothing, and sets up again what the other cases need.
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
    _ = try? Guest.shell("cp ./*.rules /etc/udev/rules.d/ && udevadm control --reload")
    _ = try? Guest.shell("udevadm trigger --settle --subsystem-match=uio --action=add")
  }

  /// Files that bear the name, with those that another case may have left outside the packages'
  /// places.
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
