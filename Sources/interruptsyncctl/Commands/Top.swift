import ArgumentParser
import Glibc
import InterruptSyncClient

struct Top: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows the rates of all lines, again and again.",
    discussion: "Ends by q or Ctrl-C. When standard output is no terminal: one snapshot.")

  @Option(help: "The time between two views.") var interval = TimeArgument(seconds: 1)

  @Option(name: [.customShort("n"), .long], help: "End after so many views.") var count: Int?

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if interval.duration < .milliseconds(50) {
      throw ValidationError("--interval takes at least 50ms")
    }
    if let count, count < 1 { throw ValidationError("--count takes a number of at least 1") }
  }

  func run() throws {
    let client = try common.client()
    var last = try RateView(client)
    guard isatty(1) == 1 else {
      usleep(useconds_t(clamping: interval.duration / .microseconds(1)))
      Console.out(try RateView(client).text(since: last, common))
      return
    }
    let screen = try Screen()
    defer { screen.restore() }
    var left = count ?? .max
    while left > 0, screen.wait(interval.duration) {
      let view = try RateView(client)
      screen.show(view.text(since: last, common))
      last = view
      left -= 1
    }
  }
}

extension Duration {
  fileprivate static func / (left: Duration, right: Duration) -> Int {
    let (seconds, attoseconds) = left.components
    let (_, unit) = right.components
    return Int(seconds) * Int(1_000_000_000_000_000_000 / unit) + Int(attoseconds / unit)
  }
}
