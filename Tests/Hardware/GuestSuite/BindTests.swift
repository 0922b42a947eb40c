// interruptsyncctl bind and unbind with the kernel's own drivers, and saved bindings that udev restores
// when the device returns.
import Glibc
import LinuxSystem

enum BindTests {
  static let cases = [
    Case("bindGivesADeviceToUIOAndUnbindGivesItBackToItsDriver", bindAndUnbind),
    Case("bindLeavesADeviceAsItWasWhenADriverRefusesIt", refused),
    Case("bindThatIsSavedComesBackWithTheDevice", saved),
    Case("unitThatBindsSeesEveryMountAndWritesNothingButSysfs", sandbox),
  ]

  private static func overriding(_ address: String) throws -> String {
    let text = try Guest.text("\(Guest.pci(address))/driver_override")
    return text == "(null)" ? "" : text
  }

  private static func expectDriver(
    _ address: String, _ driver: String?, override wanted: String, line: Int = #line
  ) throws {
    try expectEqual(Guest.driver(address), driver, "driver of \(address)", line: line)
    try expectEqual(try overriding(address), wanted, "override of \(address)", line: line)
  }

  /// With the serial card, for which the kernel has a driver.
  private static func bindAndUnbind() throws {
    try Packages.install()
    let id = "pci-\(Guest.serial)"
    try Guest.bind(Guest.serial)
    defer { _ = try? Control.run("bind \(Guest.serial)") }
    try Guest.shell("systemctl start \(InstalledService.unit)")
    defer { InstalledService.end() }
    let client = try InstalledService.client()
    try Guest.waitFor("the daemon to know it") { client.state(id) == "listed" }
    try expectEqual(
      try Control.run("unbind \(Guest.serial)"),
      "unbound \(id) from uio_pci_generic; the kernel gave it to serial", "output of unbind")
    try expectDriver(Guest.serial, "serial", override: "")
    try Guest.waitFor("the daemon to have lost it") { client.state(id) == "" }
    try expectEqual(
      try Control.run("bind \(Guest.serial)"),
      "bound \(id) to uio_pci_generic (before: serial)", "output of bind")
    try expectDriver(Guest.serial, "uio_pci_generic", override: "uio_pci_generic")
    try Guest.waitFor("the daemon to know it") { client.state(id) == "listed" }
    // By its other names.
    let node = "/dev/uio\(try Guest.open(Guest.serial).info.number)"
    for name in [id, node] {
      try expectEqual(
        try Control.run("bind \(name)"), "uio_pci_generic has \(id) already",
        "bind of \(name)")
    }
    let json = try Control.json("unbind \(id)")
    try expectEqual(json["before"]?.string, "uio_pci_generic", "before")
    try expectEqual(json["driver"]?.string, "serial", "driver")
    try expectEqual(
      try Control.run("unbind \(id)"), "unbound \(id) from serial, and the kernel gave it back",
      "unbind without an override")
  }

  private static func refused() throws {
    try Packages.install()
    let id = "pci-\(Guest.eduB)"
    defer { try? Guest.bind(Guest.eduB) }
    try Guest.bind(Guest.eduB)
    try Control.fail(
      "bind \(id) --driver nosuch",
      ["the bus pci has no driver \"nosuch\"", "hint: "])
    try expectDriver(Guest.eduB, "uio_pci_generic", override: "uio_pci_generic")
    // The driver probes the device, but accepts only serial cards.
    try Control.fail(
      "bind \(id) --driver serial",
      ["the driver did not accept it; uio_pci_generic drives the device again", "hint: "])
    try expectDriver(Guest.eduB, "uio_pci_generic", override: "uio_pci_generic")
    // This guest has no IOMMU.
    try Control.fail(
      "bind \(id) --driver vfio-pci",
      ["the machine has no IOMMU in use", "hint: ", "intel_iommu=on"])
    try expectDriver(Guest.eduB, "uio_pci_generic", override: "uio_pci_generic")
    _ = try Guest.open(Guest.eduB)
    try expectEqual(
      try Control.run("unbind \(id)"),
      "unbound \(id) from uio_pci_generic; no driver has it now",
      "output of unbind")
    try expectDriver(Guest.eduB, nil, override: "")
    try Control.fail(
      "bind \(id) --driver serial --persist",
      ["the driver did not accept it; the device has no driver, as before"])
    try expectDriver(Guest.eduB, nil, override: "")
    try expectEqual(
      access("/etc/interruptsync/bind.d/\(id)", F_OK), -1, "what is saved of a failure")
    try Control.fail("bind 0000:00:1f.7", ["there is no such device"])
    let denied = try Guest.run(
      "setpriv --reuid 65534 --regid 65534 --clear-groups interruptsyncctl bind \(id)")
    try expectEqual(denied.status, 77, "exit status of the user nobody: \(denied.text)")
    try expectDriver(Guest.eduB, nil, override: "")
  }

  /// A disk that is mounted must be seen to be in use.
  private static func sandbox() throws {
    try Packages.install()
    let unit = try Guest.shell("systemd-escape --template=interruptsync-bind@.service pci-probe")
    let places = ["/home", "/root", "/tmp", "/var/tmp", "/mnt"].map { "\($0)/probe" }
    let saved = "/etc/interruptsync/bind.d/pci-probe"
    let dropIn = "/run/systemd/system/\(unit).d"
    defer {
      for place in places { _ = try? Guest.shell("umount \(place); rmdir \(place)") }
      _ = try? Guest.shell("rm -rf \(saved) '\(dropIn)' && systemctl daemon-reload")
    }
    for place in places {
      try Guest.shell("mkdir -p \(place) && mount -t tmpfs probe \(place)")
    }
    // Its own program is replaced by one that tells what it may; the sandbox stays.
    try Guest.shell(
      """
      mkdir -p /etc/interruptsync/bind.d '\(dropIn)' && touch \(saved)
      printf '[Service]\\nExecStart=\\nExecStart=/bin/sh -c "cat /proc/self/mountinfo; \
      cat /proc/net/route; for f in /etc /usr /run /proc/sys/kernel/hostname /sys/kernel/uevent_seqnum \
      /sys/bus/pci/drivers_probe; do test -w $$f && echo writable $$f; done; true"\\n' >'\(dropIn)/probe.conf'
      systemctl daemon-reload && systemctl start '\(unit)'
      """)
    let said = try Guest.shell("journalctl -o cat -b -u '\(unit)'")
    for place in places { try expect(said.contains(" \(place) "), "\(place) is not in \(said)") }
    try expect(said.contains("Iface"), "no routes: \(said)")
    let writable = said.split(separator: "\n").filter { $0.hasPrefix("writable") }
    try expectEqual(writable, ["writable /sys/bus/pci/drivers_probe"], "what it may write")
  }

  /// A device that was removed and found again has lost its override; a unit that udev starts sets it.
  private static func saved() throws {
    try Packages.install()
    let id = "pci-\(Guest.eduB)"
    let unit = try Guest.shell("systemd-escape --template=interruptsync-bind@.service \(id)")
    let path = "/etc/interruptsync/bind.d/\(id)"
    defer {
      unlink(path)
      try? Guest.bind(Guest.eduB)
    }
    func replug() {
      Guest.write("1", to: "\(Guest.pci(Guest.eduB))/remove")
      Guest.write("1", to: "/sys/bus/pci/rescan")
    }
    try Control.run("bind \(Guest.eduB) --persist")
    let text = try FileDescriptor.openText(path)
    try expect(text.contains("[Binding]\nDriver=uio_pci_generic\n"), text)
    for _ in 1...2 {
      replug()
      try Guest.waitFor("\(unit) to bind it") { Guest.driver(Guest.eduB) == "uio_pci_generic" }
      try expectDriver(Guest.eduB, "uio_pci_generic", override: "uio_pci_generic")
      try Guest.waitFor("the unit's end") {
        try InstalledService.property("ActiveState", of: unit) == "inactive"
      }
      try expectEqual(try InstalledService.property("Result", of: unit), "success", "result")
    }
    // With permissions and links like any other UIO device.
    try Guest.shell("udevadm settle")
    try expectEqual(
      try Guest.shell("stat -L -c '%G %a' /dev/uio/by-path/\(id)"), "uio 660", "its node")
    let kept = try Control.run("unbind \(id)")
    try expect(kept.contains("\(path) binds it again"), kept)
    try Control.run("bind \(id)")
    try Control.run("unbind \(id) --persist")
    try expectEqual(access(path, F_OK), -1, "what was saved")
    replug()
    // Every unit that udev asked systemd to start has started by now, or is a job.
    try Guest.shell("udevadm settle")
    try Guest.waitFor("systemd to have no jobs") {
      try Guest.shell("systemctl list-jobs --no-legend 'interruptsync-bind@*'").isEmpty
    }
    try expectDriver(Guest.eduB, nil, override: "")
    let again = try Control.run("unbind \(id) --persist")
    try expect(again.contains("no binding was saved"), again)
  }
}
