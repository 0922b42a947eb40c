// The service as its packages install it, under the guest's own systemd, with an edu that a device
// file configures. Cases about the installed daemon run inside `serving`.
import CUIO
import Glibc
import LinuxSystem
import UIO
import Varlink

enum InstalledService {
  static let unit = "interruptsyncd.service"
  static let socket = "interruptsyncd.socket"
  static let address = "/run/interruptsync/io.interruptsync"
  static let device = "pci-\(Guest.eduA)"
  static let recipe =
    "Claim=bar0:0x24/32\nCapture=status=bar0:0x24/32\nAcknowledge=bar0:0x64/32=claimed"
  private static let dropIns = "/run/systemd/system/\(unit).d"
  private static let deviceFile = "/etc/interruptsync/devices/50-edu.device"

  // MARK: The machine's side

  static func property(_ name: String, of unit: String = InstalledService.unit) throws -> String {
    try Guest.shell("systemctl show -P \(name) '\(unit)'")
  }

  /// The service's process, or nil between two of them. Asks the kernel, since a call of systemctl takes
  /// a tenth of a second or more in the guest.
  static func process() -> pid_t? {
    let path = "/sys/fs/cgroup/system.slice/\(unit)/cgroup.procs"
    let lines = ((try? FileDescriptor.openText(path)) ?? "").split(separator: "\n")
    return lines.count == 1 ? pid_t(lines[0]) : nil
  }

  static func waitForProcess(after process: pid_t?) throws {
    try Guest.waitFor("the next process", seconds: 60) {
      guard let now = self.process() else { return false }
      return now != process
    }
  }

  /// The journal's newest entry, to find what comes after it.
  static func cursor() throws -> String {
    try Guest.shell("journalctl -q --show-cursor -n 0 | sed -n 's/^-- cursor: //p'")
  }

  static func journal(after cursor: String) throws -> String {
    try Guest.shell("journalctl -q -u \(unit) --after-cursor='\(cursor)' --no-pager -o cat")
  }

  static func journal() -> String {
    (try? Guest.shell("journalctl -q -u \(unit) -n 40 --no-pager -o cat")) ?? ""
  }

  // MARK: Configuration

  /// Writes a drop-in that lasts until the case ends.
  static func configure(_ text: String) throws {
    try Guest.create("[Service]\n" + text, at: "\(dropIns)/test.conf")
    try Guest.shell("systemctl daemon-reload")
  }

  /// Writes the edu's device file, which applies from the next reload.
  static func write(_ sections: String) throws {
    try Guest.create("[Match]\nId=\(device)\n\(sections)", at: deviceFile)
  }

  /// Removes everything that cases have set up.
  static func unconfigure() {
    _ = try? Guest.shell("rm -rf \(dropIns); systemctl daemon-reload; systemctl reset-failed")
  }

  /// Ends a case: stops the service, which drops its totals, and deletes its files.
  static func end() {
    unlink(deviceFile)
    _ = try? Guest.shell("systemctl stop \(unit)")
    guard unlink("\(dropIns)/test.conf") == 0 else { return }
    _ = try? Guest.shell("systemctl daemon-reload")
  }

  /// Installs the service without a limit on restarts.
  static func prepare() throws {
    try Packages.install()
    if process() != nil { try Guest.shell("systemctl stop \(unit)") }
    let again = "\(dropIns)/again.conf"
    guard access(again, F_OK) != 0 else { return }
    try Guest.create("[Unit]\nStartLimitIntervalSec=0", at: again)
    try Guest.shell("systemctl daemon-reload")
  }

  /// Runs `body` with a freshly started service whose totals are 0, and gives it the device's
  /// registers.
  static func serving(
    _ sections: String = "[Routine]\nName=edu\n" + recipe,
    _ body: (RegisterRegion) throws -> Void
  ) throws {
    try prepare()
    try write(sections)
    let device = try Guest.open(Guest.eduA)
    let registers = try device.region(bar: 0)
    try registers.write32(.max, at: Edu.acknowledge)
    defer { end() }
    do {
      try Guest.shell("systemctl start \(socket) \(unit)")
      try body(registers)
    } catch { throw Failure(description: "\(error); the journal: \(journal())") }
  }

  // MARK: Interrupts

  static func client() throws -> VarlinkClient { try VarlinkClient(address, timeout: .seconds(60)) }

  /// The daemon's count, read through its socket.
  static func interrupts() throws -> UInt64? { try client().interrupts(device) }

  /// The kernel's count.
  static func event() throws -> UInt32 { try UIODeviceInfo.find(UIODeviceID(device)).event }

  /// Raises one interrupt and waits until a process has acknowledged it.
  static func raise(_ registers: RegisterRegion, _ value: UInt32 = 1) throws {
    try registers.raise(value...value)
  }

  static func waitForCount(_ count: UInt32, since first: UInt32) throws {
    let wanted = UInt64(count &- first)
    try Guest.waitFor("the daemon to have \(wanted) interrupts") {
      usleep(20_000)
      return try interrupts() == wanted
    }
  }
}
