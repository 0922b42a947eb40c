// Floor 7. Options about a device, and which of them belong to which device: by their place on the
// command line. Daemon.swift makes them and passes them to the service, which reads their values as
// it reads those of a .device file. Plain values; control thread, before the loop starts; no lock.
import ArgumentParser
import InterruptSyncService

/// The options that belong to one device.
struct DeviceArguments: ParsableArguments {
  @Option(help: "Claim the interrupt if this register is not 0: REGION:OFFSET/WIDTH[&MASK].")
  var claim: [String] = []

  @Option(
    help:
      "Write this if the interrupt is claimed: REGION:OFFSET/WIDTH=VALUE; VALUE is a number or \"claimed\". Repeatable, in order."
  )
  var acknowledge: [String] = []

  @Option(help: "How to walk the routines: normal, all or repeat.") var mode: [String] = []

  @Option(help: "How the line is re-armed: auto, irqcontrol, pci-command or none.")
  var rearm: [String] = []

  @Option(help: "SCHED_FIFO priority of the dispatcher, 1 to 99.") var realtime: [Int32] = []

  @Option(help: "Processors that the dispatcher may run on: 0,2-3.") var cpus: [String] = []
}

/// The devices of a command line, each with its options.
struct ArgumentGroups {
  private var common: [DeviceOption] = []
  private var groups: [(device: String, options: [DeviceOption])] = []

  private static let othersWithValue: Set<String> = [
    "--for", "--rate", "--config-root", "--listen",
  ]

  /// - Parameters:
  ///   - arguments: the whole command line, which the parser has accepted.
  ///   - devices: the arguments that it took for devices, in order.
  init(_ arguments: ArraySlice<String>, devices: [String]) {
    var rest = arguments
    var remaining = devices[...]
    while let argument = rest.popFirst() {
      let number = rest.startIndex - arguments.startIndex
      let name = String(argument.prefix { $0 != "=" })
      if DeviceOption.names.contains(name) {
        let value =
          name == argument ? rest.popFirst() ?? "" : String(argument.dropFirst(name.count + 1))
        add(DeviceOption(name: name, value: value, argument: number))
      } else if Self.othersWithValue.contains(name) {
        if name == argument { rest = rest.dropFirst() }
      } else if argument == remaining.first {
        remaining = remaining.dropFirst()
        groups.append((argument, []))
      }
    }
  }

  private mutating func add(_ option: DeviceOption) {
    if groups.isEmpty {
      common.append(option)
    } else {
      groups[groups.count - 1].options.append(option)
    }
  }

  /// - Throws: `UIOError` for a device's name, `ConfigurationError` for its options.
  func configurations() throws -> [DeviceConfiguration] {
    try groups.map { try DeviceConfiguration(device: $0.device, common: common, own: $0.options) }
  }
}
