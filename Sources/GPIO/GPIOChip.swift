// A GPIO chip as an open handle: which one it is, what its lines are called and who uses them.
// Floor 3; drivers and the C interface open it, GPIOLine asks it. Any thread at PASSIVE_LEVEL,
// without a lock; its fields never change.
import CGPIO
@_exported public import DeviceIdentity
import Glibc
package import LinuxSystem

/// An open GPIO chip of the kernel's character device, `/dev/gpiochipN`.
public final class GPIOChip: Sendable, CustomStringConvertible {
  /// `gpiochip0`. The number may be another one after a reboot.
  public let name: String
  /// As the chip's driver calls it; it need not be unique.
  public let label: String
  /// Lines have the offsets 0 to `lineCount` - 1.
  public let lineCount: Int
  package let file: FileDescriptor
  package let kernel: any GPIOKernel
  private let owner = DeviceOwner()

  /// Opens a chip.
  ///
  /// PASSIVE_LEVEL.
  /// - Parameter id: its node (`/dev/gpiochip0`), its name (`gpiochip0`) or its label.
  /// - Throws: `notFound`, `ambiguous` (more than one chip has the label), `permissionDenied`,
  ///   `malformed` (the node is no GPIO chip), `resourcesExhausted`.
  public convenience init(_ id: String) throws(UIOError) {
    try self.init(id, sysfs: .system, kernel: SystemGPIO())
  }

  package init(_ id: String, sysfs: Sysfs, kernel: any GPIOKernel) throws(UIOError) {
    let (file, info) = try Self.find(id, sysfs, kernel)
    self.file = file
    self.kernel = kernel
    name = info.chipName
    label = info.chipLabel
    lineCount = Int(info.lines)
  }

  /// `gpiochip0 (LABEL)`.
  public var description: String { "\(name) (\(label))" }

  /// What the kernel says about a line. Reads the state of the moment.
  /// - Throws: `noSuchRegion` (no such offset), `unsupported` (a kernel before 5.10), `removed`,
  ///   `otherProcess`.
  public func line(at offset: Int) throws(UIOError) -> GPIOLineInfo {
    try requireOwnProcess("describe the GPIO line")
    guard (0..<lineCount).contains(offset) else {
      throw UIOError(
        .noSuchRegion, device: "\(self)", operation: "find the GPIO line",
        cause: "the chip has no line \(offset)", hint: "it has \(lineCount), counted from 0")
    }
    var info = cgpio_line_info()
    let result = kernel.describe(file, UInt32(offset), &info)
    guard result == 0 else { throw GPIOOperation.describeLine.error(-result, device: "\(self)") }
    return GPIOLineInfo(offset, info)
  }

  /// The offset of the line that the board calls `name`.
  /// - Throws: `notFound`, `ambiguous` (two lines of the chip have the name), and as `line(at:)`.
  public func offset(of name: String) throws(UIOError) -> Int {
    var found: [Int] = []
    for offset in 0..<lineCount where try line(at: offset).name == name { found.append(offset) }
    guard let offset = found.first, !name.isEmpty else {
      throw UIOError(
        .notFound, device: "\(self)", operation: "find the GPIO line",
        cause: "the chip has no line with the name \"\(name)\"",
        hint: "gpioinfo lists the names; or give the offset")
    }
    guard found.count == 1 else {
      let offsets = found.map(String.init).joined(separator: ", ")
      throw UIOError(
        .ambiguous, device: "\(self)", operation: "find the GPIO line",
        cause: "several lines have the name \"\(name)\": \(offsets)", hint: "give the offset")
    }
    return offset
  }

  package func requireOwnProcess(_ operation: String) throws(UIOError) {
    _ = try owner.requireCurrent(operation, of: "\(self)")
  }
}

// MARK: Finding a chip

extension GPIOChip {
  private typealias Opened = (FileDescriptor, cgpio_chip)

  private static func find(
    _ id: String, _ sysfs: Sysfs, _ kernel: any GPIOKernel
  ) throws(UIOError) -> Opened {
    if id.contains("/") { return try open(id, id, kernel) }
    let names = sysfs.list("\(sysfs.root)/bus/gpio/devices").filter { $0.hasPrefix("gpiochip") }
    if names.contains(id) { return try open("\(sysfs.devices)/\(id)", id, kernel) }
    return try labelled(id, names, sysfs, kernel)
  }

  /// sysfs does not say labels: each chip is opened and asked (G3).
  private static func labelled(
    _ label: String, _ names: [String], _ sysfs: Sysfs, _ kernel: any GPIOKernel
  ) throws(UIOError) -> Opened {
    var found: [Opened] = []
    var denied: UIOError?
    for name in names {
      do throws(UIOError) {
        let opened = try open("\(sysfs.devices)/\(name)", name, kernel)
        if opened.1.chipLabel == label { found.append(opened) }
      } catch {
        // One that has gone meanwhile is none of this label.
        if error.code == .permissionDenied { denied = error }
      }
    }
    if found.count == 1 { return found[0] }
    guard found.isEmpty else {
      let names = found.map(\.1.chipName).joined(separator: ", ")
      throw UIOError(
        .ambiguous, device: label, operation: GPIOOperation.open.rawValue,
        cause: "several chips have this label: \(names)", hint: "give the name of one")
    }
    // It may be the one that could not be asked.
    throw denied ?? GPIOOperation.open.error(ENOENT, device: label)
  }

  private static func open(
    _ path: String, _ id: String, _ kernel: any GPIOKernel
  ) throws(UIOError) -> Opened {
    let file: FileDescriptor
    do throws(SystemError) { file = try FileDescriptor.open(path, O_RDWR) } catch {
      throw GPIOOperation.open.error(error.number, device: id)
    }
    var info = cgpio_chip()
    let result = kernel.describe(file, &info)
    guard result == 0 else { throw GPIOOperation.describeChip.error(-result, device: id) }
    return (file, info)
  }
}

// MARK: Lines

/// What the kernel says about a line of a chip.
public struct GPIOLineInfo: Equatable, Sendable {
  /// Its number on the chip.
  public let offset: Int
  /// As the board calls it; empty where it does not.
  public let name: String
  /// Whether a program or a driver of the kernel has it.
  public let isUsed: Bool
  /// The user's name for itself, which may be empty.
  public let consumer: String
  /// Whether it is an output at the moment.
  public let isOutput: Bool
  /// Whether a low level counts as active.
  public let isActiveLow: Bool

  init(_ offset: Int, _ info: cgpio_line_info) {
    self.offset = offset
    var info = info
    name = text(&info.name)
    consumer = text(&info.consumer)
    isUsed = info.is_used
    isOutput = info.is_output
    isActiveLow = info.is_active_low
  }
}

extension cgpio_chip {
  fileprivate var chipName: String {
    var copy = self
    return text(&copy.name)
  }

  fileprivate var chipLabel: String {
    var copy = self
    return text(&copy.label)
  }
}

/// A name as C has it, which ends before its memory does.
private func text<Name>(_ name: inout Name) -> String {
  unsafe withUnsafeBytes(of: &name) { bytes in
    unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }
}
