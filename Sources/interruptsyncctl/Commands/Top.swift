// Floor 7. top: the rates of all lines, repeatedly. It only reads. What it draws is in TopView.swift;
// here are the daemon, the clock and the keys. Control.swift runs it. On the program's one thread; no
// lock.
import ArgumentParser
import Glibc
import InterruptSyncClient
import LinuxSystem

struct Top: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows the rates of all lines and updates them.",
    discussion: """
      Press ? for help, and q or Ctrl-C to exit. When standard output is not a terminal, top prints \
      one snapshot.
      """)

  @Option(help: "The time between two updates.") var interval = TimeArgument(seconds: 1)

  @Option(name: [.customShort("n"), .long], help: "Exit after COUNT updates.") var count: Int?

  @Option(
    help: "The column that the lines are sorted by: rate, device, state, unclaimed, p99 or total.")
  var sort = TopView.Order.rate

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if interval.duration < .milliseconds(50) {
      throw ValidationError("--interval takes at least 50ms")
    }
    try requirePositive(count: count)
  }

  func run() throws {
    let client = try common.client()
    var view = TopView(sort: sort)
    view.add(try Sample(client), at: .zero)
    guard isatty(1) == 1 else {
      usleep(useconds_t(clamping: interval.duration.nanoseconds / 1000))
      view.add(try Sample(client), at: interval.duration)
      return Console.out(view.table(common))
    }
    let screen = try Screen()
    defer { screen.restore() }
    try follow(client, view, on: screen)
  }

  private func follow(
    _ client: InterruptSyncClient, _ first: TopView, on screen: Screen
  ) throws {
    var view = first
    let clock = ContinuousClock()
    let start = clock.now
    var due = start + interval.duration
    var left = count ?? .max
    while left > 0 {
      switch screen.wait(until: due) {
      case .end: return
      case .key(let key):
        guard view.press(key) else { return }
      case .resized: break
      case .due:
        view.add(try Sample(client), at: clock.now - start)
        due = clock.now + interval.duration
        left -= 1
      }
      screen.show(view.text(Screen.size, clock: Moment.now.seconds, common.style))
    }
  }
}

extension Top {
  /// What the daemon knows of all lines at one moment.
  struct Sample {
    var devices: [Device]
    var statistics: [String: DeviceStatistics]
    /// Times in service of the last whole window.
    var service: [String: DeviceHistogram]
  }
}

extension Top.Sample {
  init(_ client: InterruptSyncClient) throws(InterruptSyncClientError) {
    devices = try client.listDevices()
    statistics = Dictionary(
      try client.statistics().map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    service = Dictionary(
      try client.histograms(over: .window).compactMap { one in one[.service].map { (one.id, $0) } },
      uniquingKeysWith: { first, _ in first })
  }
}
