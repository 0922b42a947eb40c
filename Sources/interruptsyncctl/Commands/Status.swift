import ArgumentParser
import InterruptSyncClient
import Varlink

struct Status: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tells whether the daemon runs, or whether it services a device.",
    discussion: "Exit status: 0 running or serviced, 3 not, 4 no such device, 77 not permitted.")

  @Argument(
    help: "A device or software line.",
    completion: .custom { words, _, _ in DeviceCompletion.names(words) })
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
    Console.out("running: \(devices.count) devices, \(serviced) serviced\(trouble)")
  }

  private func show(_ device: Device) throws(InterruptSyncClientError) {
    if common.json {
      common.show(device.json)
    } else if !common.quiet {
      let state = device.state.rawValue
      let word = common.style.colour(device.state).map { common.style.paint(state, $0) } ?? state
      Console.out("\(device.id): \(word)" + (device.failure.map { ": \($0)" } ?? ""))
    }
    if !device.isServiced { Failure.exit(Failure.notRunning) }
  }
}
