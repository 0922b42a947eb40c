// Floor 7. list and info: the daemon's devices, as a table or one in full; with --all the machine's
// devices that could be bound. Control.swift runs them. They only read. On the program's one thread;
// no lock.
import ArgumentParser
import DeviceInventory
import InterruptSyncClient
import Varlink

struct List: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists the devices that the daemon knows, or the machine's that bind can take.",
    discussion: """
      --all does not need the daemon. It shows PCI functions except bridges, and the platform devices \
      that firmware describes, each with what binding it would stop.
      """)

  @Flag(help: "List the devices that bind can take, whatever drives them now.") var all = false

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if all { try common.requireLocal("list --all looks at the machine that it runs on") }
  }

  func run() throws {
    guard !all else { return showBindable(BindableDevice.all()) }
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
      common.note(
        "no UIO device and no software line; interruptsyncctl list --all shows what to bind")
    } else {
      Console.out(table.text(common))
    }
  }

  private func showBindable(_ devices: [BindableDevice]) {
    if common.json { return common.show(["devices": .array(devices.map { .object($0.json) })]) }
    var table = Table(["DEVICE", "KIND", "DRIVER", "BIND", "NAME"])
    for device in devices {
      let names = [device.className, device.name].compactMap(\.self)
      table.add([
        .init("\(device.device)"), .init(device.kind ?? ""), .init(device.driver ?? ""),
        .init(device.taking.words, device.taking.colour), .init(names.joined(separator: ": ")),
      ])
    }
    if devices.isEmpty {
      common.note("this machine has no PCI function and no platform device that bind could take")
    } else {
      Console.out(table.text(common))
    }
  }
}

extension BindableDevice {
  fileprivate var json: JSONObject {
    var object: JSONObject = [
      "device": .string("\(device)"), "bound": .bool(taking == .done),
      "safe": .bool(taking == .done || taking == .free),
    ]
    if let kind { object["kind"] = .string(kind) }
    if let className { object["class"] = .string(className) }
    if let name { object["name"] = .string(name) }
    if let driver { object["driver"] = .string(driver) }
    switch taking {
    case .done, .free: break
    case .stops(_, let losing): object["losing"] = .array(losing.map { .string($0) })
    case .refused(let use): object["use"] = .string(use)
    }
    return object
  }
}

extension BindableDevice.Taking {
  /// The column BIND.
  fileprivate var words: String {
    switch self {
    case .done: "done"
    case .free: "safe"
    case .stops(let driver, let losing):
      "stops \(([driver] + losing).joined(separator: ", "))"
    case .refused(let use): "refused: \(use)"
    }
  }

  fileprivate var colour: Style.Colour? {
    switch self {
    case .done, .free: .green
    case .stops: .yellow
    case .refused: .red
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
