// interruptsyncctl --machine with a container of systemd-nspawn's that systemd-machined knows: the
// program and the daemon of the packages, and nothing prepared in the container's namespaces.
import Glibc

enum ContainerTests {
  static let cases = [
    Case("machineLeadsToTheDaemonOfAContainer", limit: .seconds(300), container)
  ]

  private static let unit = "container-box.service"
  private static let folder = "/tmp/box"
  private static let ctl = "interruptsyncctl --machine=box"

  private static func container() throws {
    try Packages.install()
    try Guest.create(
      "[Match]\nSoftwareLine=boxed", at: "\(folder)/etc/interruptsync/devices/10.device")
    defer {
      _ = try? Guest.shell("machinectl terminate box; systemctl stop \(unit); rm -r \(folder)")
    }
    try start()
    do {
      try Guest.waitFor("the daemon of the container", seconds: 120) {
        try Guest.run("\(ctl) status").0 == 0
      }
      let listed = try Guest.shell("\(ctl) list")
      try expect(listed.contains("boxed"), listed)
      try Guest.shell("\(ctl) trigger boxed -n 3")
      try Guest.waitFor("three interrupts", seconds: 60) {
        try Guest.shell("\(ctl) stats boxed --json").filter { !$0.isWhitespace }
          .contains("\"interrupts\":3,")
      }
    } catch {
      let said = try Guest.shell("journalctl -q -u \(unit) --no-pager -o cat")
      throw Failure(description: "\(error); the container: \(said)")
    }
    try Guest.shell("machinectl terminate box")
    try Guest.waitFor("the end of the container", seconds: 60) {
      access("/run/systemd/machines/box", F_OK) != 0
    }
    let (status, said) = try Guest.run("\(ctl) status")
    try expect(status != 0 && said.contains("systemd-machined knows no such machine"), said)
  }

  /// The container has this guest's /usr, and a file system of its own for everything else.
  private static func start() throws {
    let program =
      "mkdir -p /run/interruptsync; exec interruptsyncd --config-root /box --listen \(InstalledService.address)"
    try Guest.shell(
      """
      systemd-run --quiet --collect --unit=\(unit) -p Delegate=yes \
        systemd-nspawn --quiet --machine=box --directory=/ --volatile=yes --as-pid2 \
        --bind-ro=\(folder):/box sh -c '\(program)'
      """)
  }
}
