// Floor 7. connect, disconnect, set, trigger and reload: what the daemon services, and how.
// Control.swift runs them. They need the role control; reload needs admin. On the program's one
// thread; no lock.
public import ArgumentParser
public import InterruptSyncClient
import LinuxSystem

struct Connect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Starts servicing a device as its file says.")

  @OptionGroup var target: DeviceArgument
  @OptionGroup var common: CommonOptions

  func run() throws {
    try common.client().connect(target.device, persistent: true)
    common.done("connected \(target.device)")
  }
}

struct Disconnect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Masks a device's line and stops servicing the device.")

  @OptionGroup var target: DeviceArgument
  @OptionGroup var common: CommonOptions

  func run() throws {
    try common.client().disconnect(target.device)
    common.done("disconnected \(target.device)")
  }
}

extension DeviceMode: ExpressibleByArgument {}

struct SetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set", abstract: "Changes how a device is serviced, until the next reload.")

  @OptionGroup var target: DeviceArgument

  @Option(help: "How to walk the list of routines: normal, all or repeat.") var mode: DeviceMode?

  @Option(help: "How to schedule the dispatcher: other, or fifo:1 to fifo:99; stay below 50.")
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
    if let mode {
      try client.setMode(target.device, mode)
      common.done("set the mode of \(target.device) to \(mode.rawValue), until the next reload")
    }
    guard let policy, let parsedPolicy else { return }
    try client.setPolicy(target.device, parsedPolicy)
    common.done("set the policy of \(target.device) to \(policy), until the next reload")
    if case .fifo(let priority) = parsedPolicy, priority >= Self.kernelsPriority {
      common.note(
        "warning: \(policy) is not below \(Self.kernelsPriority), the priority of the kernel's interrupt "
          + "threads: since Linux 6.10 a dispatcher that keeps its processor busy delays its own interrupts"
      )
    }
  }

  /// Of the kernel's interrupt threads (fact 53).
  private static let kernelsPriority = 50
}

struct Trigger: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Raises interrupts of a software line, or of a vector of a vfio-pci device.")

  @OptionGroup var target: DeviceArgument

  @Option(
    name: [.customShort("n"), .long],
    help: "How many interrupts to raise, 1 to 1000000; of a vector 1 to 1000.")
  var count = 1

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if !(1...1_000_000).contains(count) { throw ValidationError("--count takes 1 to 1000000") }
  }

  func run() throws {
    try common.client().trigger(target.device, count: count)
    common.done("raised \(counted(count, "interrupt")) of \(target.device)")
  }
}

struct Reload: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Reloads the daemon's configuration; if it has errors, nothing changes.")

  @OptionGroup var common: CommonOptions

  func run() throws {
    try common.client().reload()
    common.done("reloaded the configuration")
  }
}
