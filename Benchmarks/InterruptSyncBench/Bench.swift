// make bench.
import ArgumentParser

@main
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "interruptsync-bench", abstract: "Measures InterruptSync beside its peers.",
    subcommands: [Comparison.self, RealLines.self, MessageLines.self],
    defaultSubcommand: Comparison.self)
}
