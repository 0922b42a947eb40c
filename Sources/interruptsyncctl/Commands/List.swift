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
        .init(device.id), .init(Format.node(device)),
        .init(device.state.rawValue, common.style.colour(device.state)),
        .init(device.driver ?? ""), .init(device.mode ?? ""),
        .init(device.routines.joined(separator: ",")),
        .init("\(statistics[device.id]?.interrupts ?? 0)"),
      ])
    }
    if devices.isEmpty {
      common.note("no UIO device and no software line; interruptsyncctl doctor may say why")
    } else {
      Console.out(table.text(common))
    }
  }
}
