import ArgumentParser
import InterruptSync
import InterruptSyncService
import UIO

@main
struct Daemon: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "interruptsyncd",
    abstract: "Services the interrupts of UIO devices.",
    discussion: """
      Options about a device stand behind it; those in front of the first device are for all.

        interruptsyncd pci-0000:00:03.0 --claim bar0:0x24/32 --acknowledge bar0:0x64/32=claimed

      With no device named and none on the machine it serves a software line, so that one can \
      see it run.
      """,
    version: "0.1.0")

  @Argument(help: "A UIO device: node (/dev/uio0), stable id (pci-0000:00:03.0) or name.")
  var devices: [String] = []

  @OptionGroup(title: "About a device") var device: DeviceArguments

  @Flag(help: "One JSON object per device and second instead of text.") var json = false

  @Option(name: .customLong("for"), help: "End after so many seconds.") var seconds: Double?

  @Option(help: "Triggers a second of the software line.") var rate: UInt64 = 1000

  @Flag(help: "List the UIO devices and end.") var list = false

  func validate() throws {
    if let seconds, !(seconds > 0 && seconds < 1e9) {
      throw ValidationError("--for takes a number of seconds greater than 0")
    }
    if !(1...100_000).contains(rate) { throw ValidationError("--rate takes 1 to 100000") }
  }

  func run() throws {
    if list { return Listing.print(UIODeviceInfo.all()) }
    do {
      let groups = try ArgumentGroups(CommandLine.arguments.dropFirst(), devices: devices)
      if devices.isEmpty { try refuseToChoose() }
      let service = try Service(
        ServiceConfiguration(
          devices: try groups.configurations(), isJSON: json, duration: seconds,
          softwareRate: rate))
      try service.run()
    } catch let error as UIOError {
      throw ExitCode(Listing.failed(error.description))
    } catch let error as InterruptSyncError {
      throw ExitCode(Listing.failed(error.description))
    }
  }

  /// Taking over hardware that nobody named could disturb its owner.
  private func refuseToChoose() throws {
    let found = UIODeviceInfo.all()
    guard !found.isEmpty else { return }
    Listing.print(found)
    throw UIOError(
      .malformed, device: "interruptsyncd", operation: "start",
      cause: "there are UIO devices, and none was named",
      hint: "name those to serve, each with --claim and --acknowledge from its data sheet")
  }
}
