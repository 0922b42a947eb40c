import ArgumentParser
import InterruptSyncClient

struct Connect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Services a device as its file says, from now on.")

  @OptionGroup var target: DeviceArgument
  @OptionGroup var common: CommonOptions

  func run() throws { try common.client().connect(target.device, persistent: true) }
}
