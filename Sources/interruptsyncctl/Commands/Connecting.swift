// The commands that change one thing and print nothing.
import ArgumentParser
import InterruptSyncClient

struct Connect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Services a device as its file says, from now on.")

  @OptionGroup var target: DeviceArgument
  @OptionGroup var common: CommonOptions

  func run() throws { try common.client().connect(target.device, persistent: true) }
}

struct Disconnect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Masks a device's line and stops servicing it.")

  @OptionGroup var target: DeviceArgument
  @OptionGroup var common: CommonOptions

  func run() throws { try common.client().disconnect(target.device) }
}

struct Trigger: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Raises interrupts of a software line.")

  @OptionGroup var target: DeviceArgument

  @Option(name: [.customShort("n"), .long], help: "How many, 1 to 1000000.") var count = 1

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if !(1...1_000_000).contains(count) { throw ValidationError("--count takes 1 to 1000000") }
  }

  func run() throws { try common.client().trigger(target.device, count: count) }
}

struct Reload: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Reads the configuration anew; one that is at fault leaves the old as it was.")

  @OptionGroup var common: CommonOptions

  func run() throws { try common.client().reload() }
}

struct Adopt: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Opens a device for a daemon that may not (root).")

  @OptionGroup var target: DeviceArgument
  @OptionGroup var common: CommonOptions

  func run() throws { try common.client().adoptDevice(target.device) }
}
