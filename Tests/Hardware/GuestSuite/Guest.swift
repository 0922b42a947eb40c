// The machine that the suite runs on: its PCI functions, switches in sysfs, the kernel's counters,
// shell commands, the clock, and waiting for a condition. Every case uses it, on the suite's one
// thread; `waitFor` and the clock also on others.
import CUIO
import Glibc
import LinuxSystem
import UIO

enum Guest {
  static let eduA = "0000:00:03.0"
  static let eduB = "0000:00:04.0"
  /// On the same interrupt line as `eduA`.
  static let eduC = "0000:00:07.0"
  /// Has no interrupt pin.
  static let testdev = "0000:00:08.0"
  static let serial = "0000:00:05.0"
  static let hda = "0000:00:06.0"
  static let ac97 = "0000:00:09.0"
  /// A card with one UART, and one with two; the kernel's own driver has them.
  static let uart = "0000:00:0a.0"
  static let uarts = "0000:00:0b.0"

  static func text(_ path: String) throws -> String {
    do throws(SystemError) { return try Sysfs.system.text(path) } catch {
      throw Failure(description: "\(path): \(Errno.name(error.number))")
    }
  }

  /// Writes to a switch of the kernel. Returns the error number, or 0.
  @discardableResult
  static func write(_ text: String, to path: String) -> Int32 {
    guard let file = try? FileDescriptor.open(path, O_WRONLY) else { return errno }
    let bytes = Array(text.utf8)
    return Glibc.write(file.raw, bytes, bytes.count) == bytes.count ? 0 : errno
  }

  /// Creates a file with its folders, or replaces it.
  static func create(_ text: String, at path: String) throws {
    let parts = path.split(separator: "/")
    for count in 1..<parts.count { mkdir("/" + parts[..<count].joined(separator: "/"), 0o755) }
    close(creat(path, 0o644))
    try expectEqual(write(text + "\n", to: path), 0, "writing \(path)")
  }

  static func pci(_ address: String) -> String { "/sys/bus/pci/devices/\(address)" }

  /// The driver of a PCI function; nil without one.
  static func driver(_ address: String) -> String? {
    (try? FileDescriptor.link("\(pci(address))/driver"))?.split(separator: "/").last
      .map(String.init)
  }

  /// The kernel's interrupt number of a PCI function.
  static func irq(_ address: String) throws -> Int {
    let text = try text("\(pci(address))/irq")
    guard let irq = Int(text) else { throw Failure(description: "irq is \(text)") }
    return irq
  }

  static func unbind(_ address: String) {
    write(address, to: "/sys/bus/pci/drivers/uio_pci_generic/unbind")
  }

  /// Binds the function to uio_pci_generic again and waits until its node exists.
  static func bind(_ address: String) throws {
    write("uio_pci_generic", to: "\(pci(address))/driver_override")
    write(address, to: "/sys/bus/pci/drivers_probe")
    try waitFor("uio_pci_generic to take \(address)") { (try? open(address)) != nil }
  }

  /// Puts back what a failed case may have left: its programs are ended, and every device is bound
  /// to its UIO driver again, so that the next case starts as it would have.
  static func restore() {
    Program.killAll()
    _ = try? shell("systemctl stop \(InstalledService.unit) \(InstalledService.socket)")
    write("1", to: "/sys/bus/pci/rescan")
    for address in [eduA, eduB, serial, hda, eduC, testdev, ac97]
    where driver(address) != "uio_pci_generic" {
      do { try bind(address) } catch { say("cannot restore \(address): \(error)") }
    }
    for number in 0...3 { write("1", to: fixture(number, "registered")) }
  }

  static func open(_ address: String) throws -> UIODevice {
    try UIODevice(UIODeviceID("pci-\(address)"))
  }

  /// The path of the switch `attribute` of the fixture's device `number`.
  static func fixture(_ number: Int, _ attribute: String) -> String {
    "/sys/bus/platform/devices/uio-fixture.\(number)/\(attribute)"
  }

  /// The current value of `/sys/class/uio/uioN/event`.
  static func event(_ device: UIODevice) throws -> UInt32 {
    let text = try text("/sys/class/uio/uio\(device.info.number)/event")
    guard let value = NumberParsing.parse(text, as: UInt32.self) else {
      throw Failure(description: "event is \(text)")
    }
    return value
  }

  /// Interrupts of a line on all processors, as `/proc/interrupts` counts them.
  static func kernelCount(irq: Int) throws -> UInt64 {
    let file = try FileDescriptor.openText("/proc/interrupts")
    for line in file.split(separator: "\n") {
      let columns = line.split(separator: " ")
      guard columns.first == "\(irq):" else { continue }
      return columns.dropFirst().prefix { $0.allSatisfy(\.isNumber) }.reduce(0) {
        $0 + (UInt64($1) ?? 0)
      }
    }
    throw Failure(description: "/proc/interrupts has no line \(irq)")
  }

  /// Waits until something else makes `condition` true, for 20 s at most unless the caller says
  /// otherwise.
  static func waitFor(
    _ what: @autoclosure () -> String, seconds: UInt64 = 20, line: Int = #line,
    _ condition: () throws -> Bool
  ) throws {
    let deadline = linux_nanoseconds() + seconds * 1_000_000_000
    while try !condition() {
      if linux_nanoseconds() > deadline {
        throw Failure(description: "line \(line): waited in vain for \(what())")
      }
      usleep(200)
    }
  }

  /// The CPU time of the whole process, in nanoseconds.
  static func processTime() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}

// MARK: Shell commands

extension Guest {
  /// Runs a shell command and returns its output. Fails unless its exit status is 0.
  @discardableResult
  static func shell(_ command: String) throws -> String {
    let (status, text) = try run(command)
    try expect(status == 0, "\(command): status \(status): \(text)")
    return text
  }

  /// Runs a shell command. Returns its exit status and what it wrote to both of its outputs.
  static func run(_ command: String) throws -> (status: Int32, text: String) {
    guard let pipe = popen("exec 2>&1; \(command)", "r") else {
      throw Failure(description: "popen")
    }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = fread(&buffer, 1, buffer.count, pipe)
      if count == 0 { break }
      bytes += buffer.prefix(count)
    }
    let text = String(decoding: bytes, as: UTF8.self)
    let status = pclose(pipe)
    return (
      status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f),
      text.hasSuffix("\n") ? String(text.dropLast()) : text
    )
  }
}

// MARK: Files, time and chance

extension FileDescriptor {
  /// Reads a file of /proc: it reports no size and may need many reads.
  static func openText(_ path: String) throws -> String {
    guard let file = fopen(path, "r") else { throw Failure(description: path) }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = fread(&buffer, 1, buffer.count, file)
      if count == 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes += buffer.prefix(count)
    }
  }
}

enum Clock {
  /// CLOCK_MONOTONIC, in nanoseconds.
  static var now: UInt64 { linux_nanoseconds() }
}

/// Random numbers from a seed that the log shows.
struct Random {
  private var state: UInt64

  init() {
    state = linux_nanoseconds() | 1
    say("seed \(state)")
  }

  mutating func next(below bound: UInt32) -> UInt32 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return UInt32(state % UInt64(bound))
  }
}
