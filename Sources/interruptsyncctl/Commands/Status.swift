// Floor 7. status and wait: whether the daemon runs and services a device, now or as soon as it
// does. Control.swift runs them. They only read; scripts use their exit statuses. On the program's
// one thread; no lock.
import ArgumentParser
import Glibc
import InterruptSyncClient
import LinuxSystem
import Varlink

struct Status: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows whether the daemon runs, or whether it services a device.",
    discussion: """
      Exit status: 0 running or serviced, 3 not running or not serviced, 4 no such device, 77 \
      permission denied.
      """)

  @Argument(help: "A device or software line (default: the daemon).", completion: .devices)
  var device: String?

  @OptionGroup var common: CommonOptions

  func run() throws {
    do throws(InterruptSyncClientError) {
      let client = try common.client()
      if let device { try show(try client.describe(device)) } else { try show(client) }
    } catch {
      let status =
        switch error.code {
        case .notRunning, .disconnected: Failure.notRunning
        case .noSuchDevice: Failure.noSuchDevice
        default: Failure.status(error)
        }
      if common.json { common.show(["running": .bool(error.code == .noSuchDevice)]) }
      Console.say(error.description)
      throw ExitCode(status)
    }
  }

  private func show(_ client: InterruptSyncClient) throws(InterruptSyncClientError) {
    let devices = try client.listDevices()
    let serviced = devices.count { $0.isServiced }
    let failed = devices.count { $0.state == .failed }
    if common.json {
      return common.show([
        "running": true, "address": .string(client.address), "devices": JSON(UInt64(devices.count)),
        "serviced": JSON(UInt64(serviced)), "failed": JSON(UInt64(failed)),
      ])
    }
    guard !common.quiet else { return }
    let trouble = failed == 0 ? "" : ", " + common.style.paint("\(failed) failed", .red)
    Console.out("running: \(counted(devices.count, "device")), \(serviced) serviced\(trouble)")
  }

  private func show(_ device: Device) throws(InterruptSyncClientError) {
    if common.json {
      common.show(device.json)
    } else if !common.quiet {
      let why = device.failure.map { ": \($0)" } ?? ""
      Console.out("\(device.id): \(common.style.state(device))\(why)")
    }
    if !device.isServiced { Glibc.exit(Failure.notRunning) }
  }
}

struct Wait: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Waits for the daemon, for a device, or for a device's interrupts.",
    discussion: """
      Without a device, waits until the daemon answers. With a device, waits until the daemon \
      services it, until it is present (--for present), or until it has interrupted (--for \
      interrupt). Use it in scripts at boot: neither the daemon nor the device has to exist yet.
      """)

  enum Event: String, ExpressibleByArgument, CaseIterable {
    case present, serviced, interrupt
  }

  @Argument(help: "A device or software line (default: the daemon).", completion: .devices)
  var device: String?

  @Option(name: .customLong("for"), help: "What to wait for: present, serviced or interrupt.")
  var event: Event = .serviced

  @Option(name: [.customShort("n"), .long], help: "How many interrupts to wait for.")
  var count: UInt64 = 1

  @Option(help: "Fail after this time.") var timeout: TimeArgument?

  @OptionGroup var common: CommonOptions

  func validate() throws {
    try requirePositive(count: count)
  }

  func run() throws {
    let clock = ContinuousClock()
    let end = timeout.map { clock.now + $0.duration }
    func left() -> Duration? { end.map { max($0 - clock.now, .zero) } }
    let client = try waitForDaemon(left)
    guard let device else { return }
    try waitForDevice(client, device, left)
    guard event == .interrupt else { return }
    try waitForInterrupts(client, device, left)
  }

  private func waitForInterrupts(
    _ client: InterruptSyncClient, _ device: String, _ left: () -> Duration?
  ) throws(InterruptSyncClientError) {
    var summaries = try client.events(device)
    var seen: UInt64 = 0
    do throws(InterruptSyncClientError) {
      while let summary = try summaries.next(timeout: left()) {
        seen &+= summary.interrupts
        if seen >= count { return }
      }
    } catch {
      throw error.code == .timedOut ? InterruptSyncClientError.timedOut(device) : error
    }
    throw InterruptSyncClientError.timedOut(device, "the device was stopped or reconfigured")
  }

  /// Polls, because a socket that does not exist yet sends no event.
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
      usleep(common.isRemote ? 1_000_000 : 50_000)
    }
  }

  private func isMet(_ device: Device) -> Bool {
    event == .present ? device.state != .gone : device.isServiced
  }

  private func waitForDevice(
    _ client: InterruptSyncClient, _ name: String, _ left: () -> Duration?
  ) throws(InterruptSyncClientError) {
    var changes = try client.watchDevices()
    do throws(InterruptSyncClientError) {
      while try changes.next(timeout: left()) != nil {
        // Only the daemon can resolve every kind of name.
        if let device = try? client.describe(name), isMet(device) { return }
      }
    } catch {
      guard error.code == .timedOut else { throw error }
      // The time can be over before the first change was read.
      let device = try? client.describe(name)
      if let device, isMet(device) { return }
      throw .neverCame(name, device)
    }
    throw InterruptSyncClientError.timedOut(name, "the daemon exited")
  }
}
