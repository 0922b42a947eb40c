// What udev-rules/ and systemd/ give to people who are not root.
import Glibc
import InterruptSync
import UIO

enum AccessTests {
  static let cases = [
    Case("udevRulesNameDevicesByPathAndName", names),
    Case("memberOfTheGroupUIONeedsNoRoot", member),
  ]

  private static func names() throws {
    let edu = try UIODeviceInfo.find(UIODeviceID("pci-\(Guest.eduA)"))
    let link = "/dev/uio/by-path/pci-\(Guest.eduA)"
    try expectEqual(try FileDescriptor.link(link), "../../uio\(edu.number)", link)
    try expectEqual(
      try UIODevice(UIODeviceID(link)).info.stableID, edu.stableID, "device behind the link")
    let hpet = try UIODevice(UIODeviceID("/dev/uio/by-name/hpet"))
    try expectEqual(hpet.info.name, "hpet", "device behind the name")
  }

  /// Everything that a driver needs, with root's rights given up but for one group.
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
