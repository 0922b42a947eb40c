import ArgumentParser
import InterruptSyncClient

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
