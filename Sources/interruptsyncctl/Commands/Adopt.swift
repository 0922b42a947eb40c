import ArgumentParser
import InterruptSyncClient

struct Adopt: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Opens a device for a daemon that may not (root).")

  @OptionGroup var target: DeviceArgument
  @OptionGroup var common: CommonOptions

  func run() throws { try common.client().adoptDevice(target.device) }
}
