import ArgumentParser
import Glibc
import InterruptSyncClient

struct Wait: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Waits for the daemon, for a device, or for interrupts of one.",
    discussion: """
      Without a device until the daemon answers; with one until it is serviced, or is there (--for \
      present), or has interrupted (--for interrupt). For scripts at boot: the daemon and the \
      device may come later.
      """)

  enum Event: String, ExpressibleByArgument, CaseIterable {
    case present, serviced, interrupt
  }

  @Argument(
    help: "A device or software line.",
    completion: .custom { words, _, _ in DeviceCompletion.names(words) })
  var device: String?

  @Option(name: .customLong("for"), help: "present, serviced or interrupt.")
  var event: Event = .serviced

  @Option(name: [.customShort("n"), .long], help: "How many interrupts.") var count: UInt64 = 1

  @Option(help: "Fail after so long.") var timeout: TimeArgument?

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if count < 1 { throw ValidationError("--count takes a number of at least 1") }
  }

  func run() throws {
    let clock = ContinuousClock()
    let end = timeout.map { clock.now + $0.duration }
    func left() -> Duration? { end.map { max($0 - clock.now, .zero) } }
    let client = try waitForDaemon(left)
    guard let device else { return }
    try waitForDevice(client, device, left)
    guard event == .interrupt else { return }
    let ring = try client.subscribe(device, capacity: 16)
    var first: UInt64?
    while let record = try ring.next(timeout: left()) {
      let begin = first ?? record.total - record.interrupts
      first = begin
      if record.total - begin >= count { return }
    }
    throw InterruptSyncClientError.late(device, "it is serviced no longer")
  }

  /// There is nothing to be told of a socket that does not exist: it is looked for.
  private func waitForDaemon(
    _ left: () -> Duration?
  ) throws(InterruptSyncClientError) -> InterruptSyncClient {
    while true {
      do throws(InterruptSyncClientError) {
        let client = try common.client()
        _ = try client.listDevices()
        return client
      } catch {
        guard error.code == .notRunning || error.code == .disconnected else { throw error }
        if let left = left(), left <= .zero { throw error }
      }
      usleep(50_000)
    }
  }

  private func waitForDevice(
    _ client: InterruptSyncClient, _ name: String, _ left: () -> Duration?
  ) throws(InterruptSyncClientError) {
    var changes = try client.watchDevices()
    while let change = try changes.next(timeout: left()) {
      guard change.event != .removed else { continue }
      // The daemon knows what all the names mean.
      guard let device = try? client.describe(name) else { continue }
      if event == .present ? device.state != .gone : device.isServiced { return }
    }
    throw InterruptSyncClientError.late(name, "the daemon has ended")
  }
}
