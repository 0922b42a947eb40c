import UIO

/// Kernel lockdown cannot be undone before the next boot: these come last.
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
