// Which options belong to which device: by their place on the command line.
import ArgumentParser
import InterruptSync
import InterruptSyncService
import UIO

struct ArgumentGroups {
  private var common: [String] = []
  private var groups: [(device: String, arguments: [String])] = []

  private static let options: Set<String> = [
    "--claim", "--acknowledge", "--mode", "--rearm", "--realtime", "--cpus",
  ]
  private static let othersWithValue: Set<String> = ["--for", "--rate", "--config-root"]

  /// - Parameters:
  ///   - arguments: what the parser has found to be valid as a whole.
  ///   - devices: which of them it took for devices, in order.
  init(_ arguments: ArraySlice<String>, devices: [String]) throws {
    var rest = arguments
    var remaining = devices[...]
    while let argument = rest.popFirst() {
      let name = String(argument.prefix { $0 != "=" })
      if Self.options.contains(name) {
        let value = name == argument ? [rest.popFirst() ?? ""] : []
        add([argument] + value)
      } else if Self.othersWithValue.contains(name) {
        if name == argument { rest = rest.dropFirst() }
      } else if argument == remaining.first {
        remaining = remaining.dropFirst()
        groups.append((argument, []))
      }
    }
  }

  private mutating func add(_ arguments: [String]) {
    if groups.isEmpty {
      common += arguments
    } else {
      groups[groups.count - 1].arguments += arguments
    }
  }

  /// - Throws: `UIOError` that names what cannot be read.
  func configurations() throws -> [DeviceConfiguration] {
    try groups.map { group in
      let shared = try DeviceArguments.parse(common)
      let own = try DeviceArguments.parse(group.arguments)
      let recipe = try Self.recipe(shared, own)
      var settings = DeviceSettings()
      settings.mode = try Self.mode(own.mode.last ?? shared.mode.last)
      settings.rearm = try Self.rearm(own.rearm.last ?? shared.rearm.last)
      settings.dispatcher = try Self.dispatcher(shared, own)
      return DeviceConfiguration(
        id: try UIODeviceID(group.device), settings: settings,
        routines: [RoutineSettings(action: .recipe(recipe))])
    }
  }

  private static func recipe(_ shared: DeviceArguments, _ own: DeviceArguments) throws -> Recipe {
    let claim = own.claim.last ?? shared.claim.last
    let writes = own.acknowledge.isEmpty ? shared.acknowledge : own.acknowledge
    return try Recipe(
      claim: try claim.map { try RegisterReference($0) },
      acknowledgements: try writes.map { try Recipe.Acknowledgement($0) })
  }

  private static func mode(_ text: String?) throws -> InterruptSyncMode {
    guard let text else { return .normal }
    guard let mode = InterruptSyncMode.allCases.first(where: { $0.description == text }) else {
      throw malformed("--mode", text, "normal, all or repeat")
    }
    return mode
  }

  private static func rearm(_ text: String?) throws -> RearmStrategy? {
    guard let text, text != "auto" else { return nil }
    guard let strategy = RearmStrategy(rawValue: text) else {
      throw malformed("--rearm", text, "auto, irqcontrol, pci-command or none")
    }
    return strategy
  }

  private static func dispatcher(
    _ shared: DeviceArguments, _ own: DeviceArguments
  ) throws -> DispatcherAttributes {
    var attributes = DispatcherAttributes()
    if let priority = own.realtime.last ?? shared.realtime.last {
      guard (1...99).contains(priority) else {
        throw malformed("--realtime", "\(priority)", "a priority of 1 to 99")
      }
      attributes.policy = .fifo(priority)
    }
    if let text = own.cpus.last ?? shared.cpus.last {
      guard let processors = ProcessorList.parse(text) else {
        throw malformed("--cpus", text, "a list such as 0,2-3")
      }
      attributes.processors = processors
    }
    return attributes
  }

  private static func malformed(_ option: String, _ text: String, _ expected: String) -> UIOError {
    UIOError(
      .malformed, device: "interruptsyncd", operation: "read \(option)",
      cause: "\"\(text)\" is not what it takes", hint: "write \(expected)")
  }
}
