// The daemon's configuration: files, drop-ins, options; and the registers and recipes in them.
import DeviceRegisters
import InterruptSync
import LinuxSystem
import UIO

@testable import InterruptSyncService

extension Target {
  /// Files one after the other, as the daemon keeps an accepted configuration.
  static func configuration(_ bytes: [UInt8]) {
    guard let text = text(bytes) else { return }
    // What is kept does not carry control characters in the name of a file.
    let names = text.split(separator: "\n").filter { $0.hasPrefix("### ") }
    guard
      names.allSatisfy({ $0.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f } }),
      let read = try? ConfigurationSet(dump: text)
    else { return }
    keep(read)
  }

  /// What is kept of an accepted configuration is that configuration. Where each key was written, a comment tells.
  private static func keep(_ read: ConfigurationSet) {
    let dump = read.dump
    guard let again = try? ConfigurationSet(dump: dump) else {
      fatalError("an accepted configuration is refused when it is read again: \(dump)")
    }
    func said(_ dump: String) -> [Substring] {
      dump.split(separator: "\n").filter { !$0.hasPrefix("# ") }
    }
    expect(
      said(again.dump) == said(dump), "what is kept changes when it is read: \(dump)\n\(again.dump)"
    )
  }

  /// A device's file and two drop-ins; then the daemon's file and one.
  static func dropIns(_ bytes: [UInt8]) {
    let base = "etc/interruptsync"
    Scratch.folder("\(base)/devices/10-a.device.d")
    Scratch.folder("\(base)/interruptsyncd.conf.d")
    let parts = parts(bytes)
    let names = [
      "devices/10-a.device", "devices/10-a.device.d/10.conf", "devices/10-a.device.d/20.conf",
      "interruptsyncd.conf", "interruptsyncd.conf.d/10.conf",
    ]
    for (index, name) in names.enumerated() {
      Scratch.write("\(base)/\(name)", index < parts.count ? parts[index] : [])
    }
    guard let read = try? ConfigurationSet(ConfigurationTree(root: Scratch.root)) else { return }
    keep(read)
  }

  /// A device and options, each a letter for its name and a value.
  static func arguments(_ bytes: [UInt8]) {
    var parts = parts(bytes).compactMap(text)
    guard !parts.isEmpty else { return }
    let device = parts.removeFirst()
    let names = DeviceOption.names.sorted()
    let options = parts.enumerated().map { index, part in
      DeviceOption(
        name: names[Int(part.utf8.first ?? 0) % names.count], value: String(part.dropFirst()),
        argument: index + 1)
    }
    let half = options.count / 2
    _ = try? DeviceConfiguration(
      device: device, common: Array(options.prefix(half)), own: Array(options.dropFirst(half)))
  }

  /// Registers and operations on two regions of memory of this process.
  static func transaction(_ bytes: [UInt8]) {
    let operations = parts(bytes).compactMap(operation)
    let first = RegisterRegion(name: "bar0", size: 64, interposer: RegisterRecorder(size: 64))
    let second = RegisterRegion(name: "map1", size: 7, interposer: RegisterRecorder(size: 7))
    let limits = TransactionLimits(operations: 16, microseconds: 10)
    let checked = try? Transaction(operations, limits: limits) { region throws(UIOError) in
      switch region {
      case .bar(0): return first
      case .map(1): return second
      default:
        throw UIOError(
          .notFound, device: "fuzz", operation: "find a region", cause: "there is no \(region)")
      }
    }
    guard let checked, let object else { return }
    guard let outcome = try? checked.run(on: object, within: .seconds(1)) else {
      fatalError("a checked transaction is refused")
    }
    if case .complete(let results) = outcome {
      expect(results.count == operations.count, "\(results.count) results of \(operations.count)")
    }
    if case .deviceGone = outcome {
      fatalError("a checked register is out of bounds: \(operations)")
    }
  }

  /// Whose lock transactions take.
  private static let object = (try? SoftwareLine()).map {
    InterruptSyncObject(source: $0, mode: .normal)
  }

  /// A letter for the kind, numbers after commas, and a register.
  private static func operation(_ part: [UInt8]) -> TransactionOperation? {
    guard let kind = part.first, let text = text(Array(part.dropFirst())) else { return nil }
    let fields = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard let register = try? RegisterReference(fields.last ?? "") else { return nil }
    guard let again = try? RegisterReference("\(register)") else {
      fatalError("a register that was read is not read again: \(register)")
    }
    // The mask is not shown.
    expect(
      (again.offset, again.width) == (register.offset, register.width)
        && again.region == register.region, "\(register) is read as another register: \(again)")
    func number(_ index: Int) -> UInt64 {
      index + 1 < fields.count ? NumberParsing.parse(fields[index], as: UInt64.self) ?? 0 : 0
    }
    switch kind % 4 {
    case 0: return .read(register)
    case 1: return .write(register, value: number(0))
    case 2: return .update(register, mask: number(0), value: number(1))
    default:
      return .wait(register, mask: number(0), value: number(1), microseconds: number(2))
    }
  }

  /// A claim, captures and acknowledgements, one a line.
  static func recipe(_ bytes: [UInt8]) {
    guard let text = text(bytes) else { return }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let claim = try? RegisterReference(lines.first ?? "")
    let captures = lines.compactMap { try? Recipe.Capture($0) }
    let acknowledgements = lines.compactMap {
      try? Recipe.Acknowledgement($0, captures: captures.map(\.name))
    }
    _ = try? Recipe(claim: claim, captures: captures, acknowledgements: acknowledgements)
  }

  /// What an earlier daemon has left. The checksum, which chance does not find, is put right.
  static func state(_ bytes: [UInt8]) {
    _ = try? StateTable(bytes)
    guard bytes.count >= 40 else { return }
    var bytes = bytes
    let length = min(bytes.count, 1 << 16)
    bytes.replaceSubrange(
      12..<16, with: (0..<4).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) })
    let sum = StateTable.checksum(Array(bytes.prefix(length)))
    bytes.replaceSubrange(24..<32, with: (0..<8).map { UInt8(truncatingIfNeeded: sum >> ($0 * 8)) })
    guard let table = try? StateTable(bytes) else { return }
    guard let again = try? StateTable(table.bytes) else {
      fatalError("a table that was read is not read again")
    }
    expect(again.devices == table.devices, "a table is read as another one")
  }
}
