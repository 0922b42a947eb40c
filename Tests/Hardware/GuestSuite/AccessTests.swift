// Access without root: what udev-rules/ and systemd/ permit, and what kernel lockdown forbids.
import Glibc
import InterruptSync
import LinuxSystem
import UIO

enum AccessTests {
  static let cases = [
    Case("udevRulesNameDevicesByPathAndName", names),
    Case("memberOfTheGroupUIONeedsNoRoot", member),
    Case("filesOfAFunctionAreRootsAgainOnceUIODoesNotHaveIt", takenBack),
  ]

  private static func names() throws {
    let edu = try UIODeviceInfo.find(UIODeviceID("pci-\(Guest.eduA)"))
    let link = "/dev/uio/by-path/pci-\(Guest.eduA)"
    try expectEqual(try FileDescriptor.link(link), "../../uio\(edu.number)", link)
    try expectEqual(
      try UIODevice(UIODeviceID(link)).info.stableID, edu.stableID, "device behind the link")
    let hpet = try UIODevice(UIODeviceID("/dev/uio/by-name/hpet"))
    try expectEqual(hpet.info.name, "hpet", "device behind the name")
    // Several devices have it.
    try expectEqual(access("/dev/uio/by-name/uio_pci_generic", F_OK), -1, "link of a shared name")
  }

  /// Whoever unbinds it, and also when the driver comes back at once.
  private static func takenBack() throws {
    func rights() throws -> String {
      try Guest.shell(
        "udevadm settle; stat -c '%G %a' \(Guest.pci(Guest.eduB))/config \(Guest.pci(Guest.eduB))/resource0 | xargs"
      )
    }
    try expectEqual(try rights(), "uio 664 uio 660", "with uio_pci_generic")
    for _ in 1...3 {
      Guest.unbind(Guest.eduB)
      try expectEqual(try rights(), "root 644 root 600", "without a driver")
      try Guest.bind(Guest.eduB)
      try expectEqual(try rights(), "uio 664 uio 660", "with uio_pci_generic again")
    }
    for _ in 1...10 {
      Guest.unbind(Guest.eduB)
      try Guest.bind(Guest.eduB)
    }
    try expectEqual(try rights(), "uio 664 uio 660", "after ten changes at once")
  }

  /// Everything that a driver needs, without root's rights and with one group.
  private static func member() throws {
    guard let group = getgrnam("uio") else { throw Failure(description: "there is no group uio") }
    var info = stat()
    stat((try UIODeviceInfo.find(UIODeviceID("pci-\(Guest.eduA)"))).path, &info)
    try expectEqual(info.st_mode & 0o777, 0o660, "mode of the node")
    let groups = [group.pointee.gr_gid]
    try expectEqual(setgroups(1, groups), 0, "setgroups")
    try expectEqual(setegid(65534), 0, "setegid")
    try expectEqual(seteuid(65534), 0, "seteuid")
    defer {
      seteuid(0)
      setegid(0)
      setgroups(0, nil)
    }
    let edu = try Edu(Guest.eduA)
    let object = try edu.object()
    try object.connect()
    try edu.chain(100, through: object)
    try Guest.waitFor("100 interrupts") { object.statistics().claimed >= 100 }
    try object.disconnect()
  }
}

/// Only a reboot undoes kernel lockdown, so the suite runs these last.
enum LockdownTests {
  static let cases = [
    Case("fact4_lockdownClosesPCIFiles", lockdown)
  ]

  private static func lockdown() throws {
    Guest.write("integrity", to: "/sys/kernel/security/lockdown")
    let state = try Guest.text("/sys/kernel/security/lockdown")
    try expect(state.contains("[integrity]"), "lockdown is \(state)")
    let device = try Guest.open(Guest.eduA)
    try expectUIOError(.permissionDenied, ["bar0", "EPERM", "lockdown"]) {
      _ = try device.region(bar: 0)
    }
    try expectUIOError(.permissionDenied, ["configuration space", "EPERM", "lockdown"]) {
      _ = try UIOLine(device)
    }
  }
}
