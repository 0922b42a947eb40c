import ArgumentParser
import InterruptSyncClient

struct Reload: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Reads the configuration anew; one that is at fault leaves the old as it was.")

  @OptionGroup var common: CommonOptions

  func run() throws { try common.client().reload() }
}
