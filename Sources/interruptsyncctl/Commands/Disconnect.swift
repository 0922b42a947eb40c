import ArgumentParser
import InterruptSyncClient

struct Disconnect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Masks a device's line and stops servicing it.")

  @OptionGroup var target: DeviceArgument
  @OptionGroup var common: CommonOptions

  func run() throws { try common.client().disconnect(target.device) }
}
