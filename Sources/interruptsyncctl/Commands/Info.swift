import ArgumentParser
import InterruptSyncClient
import Varlink

struct Info: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Describes a device: its registers, its routines, its line.")

  @OptionGroup var target: DeviceArgument
  @OptionGroup var common: CommonOptions

  func run() throws {
    let client = try common.client()
    let device = try client.describe(target.device)
    if common.json { return common.show(["device": .object(device.json)]) }
    let rows: [(String, String?)] = [
      ("Device", device.id), ("Node", device.number.map { "/dev/uio\($0)" }),
      ("Name", device.name.isEmpty ? nil : device.name), ("Driver", device.driver),
      ("State", device.state.rawValue), ("Failure", device.failure), ("File", device.file),
      ("Mode", device.mode), ("Re-arm", device.rearm), ("IRQ", device.irq.map { "\($0)" }),
      (
        "Routines",
        device.routines.isEmpty ? nil : device.routines.joined(separator: ", ")
      ),
    ]
    for (name, value) in rows {
      guard let value else { continue }
      let label = name + ":" + String(repeating: " ", count: 10 - name.count)
      Console.out(common.style.paint(label, .bold) + value)
    }
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
