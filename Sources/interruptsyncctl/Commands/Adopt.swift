import ArgumentParser
import InterruptSyncClient

struct Adopt: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Opens a device for a daemon that may not (root).",
    discussion: """
      Hands over the device's node and, of a PCI function, its configuration space. The daemon \
      keeps both for as long as the device is there, over restarts too, and services the device if \
      a file is for it.
      """)

  @OptionGroup var target: DeviceArgument
  @OptionGroup var common: CommonOptions

  func run() throws { try common.client().adoptDevice(target.device) }
}
