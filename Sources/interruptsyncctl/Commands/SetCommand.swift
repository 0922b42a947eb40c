public import ArgumentParser
public import InterruptSyncClient

extension DeviceMode: ExpressibleByArgument {}

struct SetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set", abstract: "Changes how a device is serviced, until the next reload.")

  @OptionGroup var target: DeviceArgument

  @Option(help: "How the list of routines is walked: normal, all or repeat.") var mode: DeviceMode?

  @Option(help: "How the dispatcher is scheduled: other, or fifo:1 to fifo:99; stay below 50.")
  var policy: String?

  @OptionGroup var common: CommonOptions

  private var parsedPolicy: DispatcherPolicy? {
    guard let policy else { return nil }
    if policy == "other" { return .other }
    guard policy.hasPrefix("fifo:"), let priority = Int(policy.dropFirst(5)),
      (1...99).contains(priority)
    else { return nil }
    return .fifo(priority)
  }

  func validate() throws {
    if mode == nil, policy == nil { throw ValidationError("give --mode or --policy") }
    if policy != nil, parsedPolicy == nil {
      throw ValidationError("--policy takes other, or fifo:1 to fifo:99")
    }
  }

  func run() throws {
    let client = try common.client()
    if let mode { try client.setMode(target.device, mode) }
    if let policy = parsedPolicy { try client.setPolicy(target.device, policy) }
  }
}
