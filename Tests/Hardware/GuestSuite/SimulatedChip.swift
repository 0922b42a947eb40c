// A GPIO chip that the kernel's module gpio-sim simulates: made through configfs, its lines pulled through sysfs. The cases
// of GPIO use it, on the suite's one thread; `pull` also on others, but one thread at a time (rig/README.md).
import Glibc
import LinuxSystem

final class SimulatedChip: @unchecked Sendable {
  let label: String
  private let folder: String
  /// `gpiochip0`. Another one once the chip was taken out and put back, as the next.
  private(set) var name = ""
  private var attributes = ""

  /// - Parameters:
  ///   - names: of lines, by their offsets.
  ///   - hog: an offset that a driver of the kernel has, as "hog".
  init(
    _ label: String = "suite", lines: Int = 8, names: [Int: String] = [:], hog: Int? = nil
  ) throws {
    try Guest.shell(
      "modprobe gpio-sim && (mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config)"
    )
    folder = "/sys/kernel/config/gpio-sim/\(label)"
    self.label = label
    Self.remove(folder)
    mkdir(folder, 0o755)
    mkdir("\(folder)/bank", 0o755)
    try Self.set("\(folder)/bank/num_lines", "\(lines)")
    try Self.set("\(folder)/bank/label", label)
    for (offset, name) in names {
      mkdir("\(folder)/bank/line\(offset)", 0o755)
      try Self.set("\(folder)/bank/line\(offset)/name", name)
    }
    if let hog {
      mkdir("\(folder)/bank/line\(hog)", 0o755)
      mkdir("\(folder)/bank/line\(hog)/hog", 0o755)
      try Self.set("\(folder)/bank/line\(hog)/hog/name", "hog")
      try Self.set("\(folder)/bank/line\(hog)/hog/direction", "input")
    }
    try putIn()
  }

  deinit { Self.remove(folder) }

  /// Puts the chip in, for the first time or again. While no thread pulls a line.
  func putIn() throws {
    try Self.set("\(folder)/live", "1")
    name = try Guest.text("\(folder)/bank/chip_name")
    attributes = "/sys/devices/platform/\(try Guest.text("\(folder)/dev_name"))/\(name)"
    let node = "/dev/\(name)"
    try Guest.waitFor(node) { access(node, F_OK) == 0 }
  }

  /// Takes it out, whatever uses it.
  func takeOut() throws { try Self.set("\(folder)/live", "0") }

  private static func set(_ path: String, _ text: String) throws {
    try expectEqual(Guest.write(text, to: path), 0, path)
  }

  /// Makes the line high or low, as what is wired to it would.
  func pull(_ offset: Int, up: Bool) {
    Guest.write(up ? "pull-up" : "pull-down", to: "\(attributes)/sim_gpio\(offset)/pull")
  }

  /// The level of the wire.
  func level(_ offset: Int) throws -> String {
    try Guest.text("\(attributes)/sim_gpio\(offset)/value")
  }

  /// With what a failed case left of it.
  private static func remove(_ folder: String) {
    guard access(folder, F_OK) == 0 else { return }
    Guest.write("0", to: "\(folder)/live")
    _ = try? Guest.shell(
      "rmdir \(folder)/bank/line*/hog \(folder)/bank/line* \(folder)/bank \(folder) 2>/dev/null || true"
    )
  }
}

/// What is wired to a line, for edges that all have to be seen. The kernel masks the interrupt until its thread has handled
/// the edge before, and the simulated chip, unlike most real ones, forgets an edge that comes meanwhile (G15).
struct Wire {
  private let chip: SimulatedChip
  private let offset: Int
  private let thread: String

  /// - Parameter irq: the interrupt of the line, whose edges are on.
  init(_ chip: SimulatedChip, _ offset: Int, irq: Int) throws {
    self.chip = chip
    self.offset = offset
    let threads = try FileDescriptor.list("/proc").filter { process in
      process.allSatisfy(\.isNumber)
        && (try? Sysfs.system.text("/proc/\(process)/comm"))?.hasPrefix("irq/\(irq)-") == true
    }
    // 6.1 leaves the thread of a chip that went behind, and gives the number away again (G10).
    guard let newest = threads.compactMap({ Int($0) }).max() else {
      throw Failure(description: "interrupt \(irq) has no thread")
    }
    thread = "\(newest)"
  }

  /// Waits until the kernel's thread is asleep, and makes an edge.
  func pull(up: Bool) throws {
    try Guest.waitFor("the kernel's thread to sleep") {
      try Guest.text("/proc/\(thread)/stat").contains(") S ")
    }
    chip.pull(offset, up: up)
  }
}
