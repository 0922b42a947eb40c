// The Debian packages on a machine that runs: what they start, that an upgrade loses nothing, and that nothing stays of
// them.
import Glibc
import UIO

enum PackageTests {
  static let cases = [Case("packagesAreInstalledUpgradedAndPurgedWithoutATrace", life)]

  private static let service = "interruptsyncd.service"
  private static let socket = "interruptsyncd.socket"
  private static let identity = "pci-\(Guest.eduA)"
  private static let link = "/dev/uio/by-path/\(identity)"

  // MARK: The machine

  /// Takes away what the suite itself has set up in the packages' place, so that they find a Debian
  /// that knows nothing of them.
  private static func clear() throws {
    try Guest.shell("rm -f /etc/udev/rules.d/*interruptsync*.rules && udevadm control --reload")
    // Drivers and configurations of other cases.
    try Guest.shell("rm -rf /usr/lib/interruptsync")
    try Guest.shell("if getent passwd interruptsync; then userdel interruptsync; fi")
    try Guest.shell("if getent group uio; then groupdel uio; fi")
    try Guest.shell("udevadm trigger --settle --subsystem-match=uio --action=add")
    try expectEqual(access(link, F_OK), -1, "link without a rule")
  }

  private static func restore() {
    _ = try? Guest.shell("dpkg --purge \(names)")
    _ = try? Guest.shell("systemd-sysusers - <interruptsync.sysusers")
    _ = try? Guest.shell("cp ./*.rules /etc/udev/rules.d/ && udevadm control --reload")
    _ = try? Guest.shell("udevadm trigger --settle --subsystem-match=uio --action=add")
  }

  private static let names = "interruptsyncd libinterruptsync-dev libinterruptsync0"

  private static func property(_ name: String, _ unit: String = service) throws -> String {
    try Guest.shell("systemctl show -P \(name) \(unit)")
  }

  /// What the daemon counted, asked through its socket.
  private static func interrupts() throws -> String {
    try Guest.shell(
      """
      python3 - <<'E'
      import json, socket
      peer = socket.socket(socket.AF_UNIX)
      peer.settimeout(20)
      peer.connect("/run/interruptsync/io.interruptsync")
      call = {"method": "io.interruptsync.GetStatistics", "parameters": {"device": "\(identity)"}}
      peer.sendall(json.dumps(call).encode() + b"\\0")
      reply = b""
      while not reply.endswith(b"\\0"):
          part = peer.recv(65536)
          assert part, reply
          reply += part
      reply = json.loads(reply[:-1])
      print(reply["parameters"]["statistics"][0]["interrupts"] if "error" not in reply else reply)
      E
      """)
  }

  private static func raise(_ registers: RegisterRegion, _ count: UInt32) throws {
    for value in 1...count {
      try registers.write32(value, at: Edu.raise)
      try Guest.waitFor("acknowledgement \(value)") { try registers.read32(at: Edu.status) == 0 }
    }
  }

  // MARK: The case, one life: dpkg takes its time in a guest.

  private static func life() throws {
    try clear()
    defer { restore() }
    let before = try traces()
    let own = before.filter { !$0.hasPrefix("/tmp/") }
    try expectEqual(own.sorted(), [], "files before the packages")
    do {
      try Guest.shell("dpkg -i packages/*.deb")
      try runs()
      try losesNothingOverAnUpgrade()
    } catch {
      let journal = (try? Guest.shell("journalctl -q -n 40 --no-pager -u \(service) -o cat")) ?? ""
      throw Failure(description: "\(error); the journal: \(journal)")
    }
    try Guest.shell("dpkg --purge \(names) && udevadm settle")
    try leftNothing(since: before)
  }

  private static func active() throws {
    for unit in [service, socket] {
      try expectEqual(try property("ActiveState", unit), "active", unit)
      try expectEqual(try property("UnitFileState", unit), "enabled", unit)
    }
    try expectEqual(try property("NRestarts"), "0", "restarts")
  }

  private static func runs() throws {
    try active()
    let process = try property("MainPID")
    try expectEqual(
      try Guest.shell("stat -c '%U %G' /proc/\(process)"), "interruptsync uio", "user and group")
    try expectEqual(
      try Guest.shell("stat -L -c '%G %a' \(link)"), "uio 660", "the node behind its link")
    try expectEqual(
      try Guest.shell("stat -c '%G %a' \(Guest.pci(Guest.eduA))/config"), "uio 664",
      "the configuration space")
    // The library is found by its name, without a path.
    try Guest.shell("python3 -c 'import ctypes; ctypes.CDLL(\"libinterruptsync.so.0\")'")
  }

  private static func losesNothingOverAnUpgrade() throws {
    try Guest.shell(
      """
      printf '%s\\n' '[Match]' 'Id=\(identity)' '[Routine]' 'Claim=bar0:0x24/32' \
        'Acknowledge=bar0:0x64/32=claimed' >/etc/interruptsync/devices/50-edu.device
      systemctl restart \(service)
      """)
    let registers = try Guest.open(Guest.eduA).region(bar: 0)
    try raise(registers, 100)
    try expectEqual(try interrupts(), "100", "interrupts before the upgrade")
    let process = try property("MainPID")
    try Guest.shell("dpkg -i packages/next/*.deb")
    try expect(try property("MainPID") != process, "the old process runs on")
    try active()
    try raise(registers, 100)
    try expectEqual(try interrupts(), "200", "interrupts after the upgrade")
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

  private static func leftNothing(since before: Set<Substring>) throws {
    try expectEqual(try traces().subtracting(before).sorted(), [], "files left")
    let left = try Guest.shell(
      """
      systemctl list-unit-files --no-legend 'interruptsync*'
      systemctl list-units --all --no-legend 'interruptsync*'
      ps -eo user:32=,args= | grep -E '^interruptsync |^[^ ]+ +[^ ]*interruptsyncd( |$)'
      dpkg-query -W -f '${db:Status-Abbrev} ${Package}\\n' | grep interruptsync
      true
      """)
    try expectEqual(left, "", "left")
    let node = "/dev/uio\(try UIODeviceInfo.find(UIODeviceID(identity)).number)"
    try expectEqual(try Guest.shell("stat -c '%U %G %a' \(node)"), "root root 600", node)
    try expectEqual(
      try Guest.shell("stat -c '%G %a' \(Guest.pci(Guest.eduA))/config"), "root 644",
      "the configuration space")
  }
}
