// Floor 7. list and info: the daemon's devices, as a table or one in full. Control.swift runs them.
// They only read. On the program's one thread; no lock.
import ArgumentParser
import InterruptSyncClient
import Varlink

struct List: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists the devices that the daemon knows.")

  @OptionGroup var common: CommonOptions

  func run() throws {
    let client = try common.client()
    let devices = try client.listDevices().sorted { $0.id < $1.id }
    if common.json {
      return common.show(["devices": .array(devices.map { .object($0.json) })])
    }
    let statistics = Dictionary(
      try client.statistics().map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    var table = Table(
      ["DEVICE", "NODE", "STATE", "DRIVER", "MODE", "ROUTINES", "INTERRUPTS"], numbers: [6])
    for device in devices {
      table.add([
        .init(device.id), .init(device.number.map { "uio\($0)" } ?? ""),
        .init(device.state.rawValue, common.style.colour(device.state)),
        .init(device.driver ?? ""), .init(device.mode ?? ""),
        .init(device.routines.joined(separator: ",")),
        .init("\(statistics[device.id]?.interrupts ?? 0)"),
      ])
    }
    if devices.isEmpty {
      common.note("no UIO device and no software line; interruptsyncctl doctor may show why")
    } else {
      Console.out(table.text(common))
    }
  }
}

struct Info: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Describes a device: its line, its routines and its registers.")

  @OptionGroup var target: DeviceArgument
  @OptionGroup var common: CommonOptions

  func run() throws {
    let device = try common.client().describe(target.device)
    if common.json { return common.show(["device": .object(device.json)]) }
    common.showRows(
      [
        ("Device", device.id), ("Node", device.number.map { "/dev/uio\($0)" }),
        ("Name", device.ownName), ("Driver", device.driver),
        ("State", device.state.rawValue), ("Failure", device.failure), ("File", device.file),
        ("Mode", device.mode), ("Re-arm", device.rearm), ("IRQ", device.irq.map { "\($0)" }),
        ("Routines", device.routines.isEmpty ? nil : device.routines.joined(separator: ", ")),
      ], width: 11)
    guard !device.regions.isEmpty else { return }
    var table = Table(["REGION", "KIND", "ADDRESS", "SIZE"], numbers: [2, 3])
    for region in device.regions {
      table.add([
        .init(region.name), .init(region.kind.rawValue), .init(Format.hex(region.address)),
        .init(Format.hex(region.size)),
      ])
    }
    Console.out("\n" + table.text(common))
  }
}

extension Device {
  /// The uio name, where it says more than the id and the driver.
  var ownName: String? { name.isEmpty || name == driver || name == id ? nil : name }
}
