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

      With no device named it serves those that files in /etc/interruptsync/devices and its \
      like are for, see interruptsync.device(5). With no file and no device on the machine it \
      serves a software line, so that one can see it run.
      """,
    version: "0.1.0")

  @Argument(help: "A UIO device: node (/dev/uio0), stable id (pci-0000:00:03.0) or name.")
  var devices: [String] = []

  @OptionGroup(title: "About a device") var device: DeviceArguments

  @Flag(help: "One JSON object per device and second instead of text.") var json = false

  @Option(name: .customLong("for"), help: "End after so many seconds.") var seconds: Double?

  @Option(help: "Triggers a second of the software line.") var rate: UInt64 = 1000

  @Option(
    help: "Listen for clients at this path, for instance /run/interruptsync/io.interruptsync.",
    completion: .file())
  var listen: [String] = []

  @Flag(help: "List the UIO devices and end.") var list = false

  @Flag(
    help:
      "Check the configuration, or the .device and .conf files that are named, and end: 0 or 78.")
  var checkConfig = false

  @Flag(help: "Print the merged configuration with the origin of each key and end: 0 or 78.")
  var dumpConfig = false

  @Option(
    help: "Read the configuration below this folder instead of /.",
    completion: .directory)
  var configRoot = ""

  func validate() throws {
    if checkConfig, dumpConfig { throw ValidationError("give --check-config or --dump-config") }
    if !configRoot.isEmpty, !devices.isEmpty {
      throw ValidationError(
        "with devices or files named, no configuration below --config-root is read")
    }
    if dumpConfig, !devices.isEmpty {
      throw ValidationError("--dump-config prints the whole configuration and takes no names")
    }
    if let seconds, !(seconds > 0 && seconds < 1e9) {
      throw ValidationError("--for takes a number of seconds greater than 0")
    }
    if !(1...100_000).contains(rate) { throw ValidationError("--rate takes 1 to 100000") }
  }

  func run() throws {
    if list { return Listing.print(UIODeviceInfo.all()) }
    let files = try readConfiguration()
    if dumpConfig { Console.show(files?.dump ?? "") }
    if checkConfig || dumpConfig { return }
    let environment = ServiceEnvironment.take()
    do {
      let groups = try ArgumentGroups(CommandLine.arguments.dropFirst(), devices: devices)
      // Under a service manager it waits for devices, files and clients, and plays with no line.
      let isConfigured =
        files?.devices.isEmpty == false || environment.hasManager || !listen.isEmpty
      if devices.isEmpty, !isConfigured { try refuseToChoose() }
      var configuration = ServiceConfiguration(
        devices: try groups.configurations(), isJSON: json, duration: seconds, softwareRate: rate,
        sockets: listen)
      if devices.isEmpty, isConfigured {
        configuration.files = files
        let tree = ConfigurationTree(root: configRoot)
        configuration.read = { () throws(ConfigurationError) in try ConfigurationSet(tree) }
      }
      let service = try Service(configuration, environment: environment)
      try service.run()
    } catch let error as UIOError {
      throw ExitCode(Listing.failed(error.description))
    } catch let error as InterruptSyncError {
      throw ExitCode(Listing.failed(error.description))
    } catch {
      throw ExitCode(Listing.failed("\(error)"))
    }
  }

  /// What the files say; nil where devices are named, which are then all that is served.
  /// - Throws: the exit status, after every fault has been told.
  private func readConfiguration() throws(ExitCode) -> ConfigurationSet? {
    do throws(ConfigurationError) {
      if devices.isEmpty { return try ConfigurationSet(ConfigurationTree(root: configRoot)) }
      return checkConfig ? try ConfigurationSet(files: devices) : nil
    } catch {
      Console.complain(error.description)
      // EX_CONFIG of sysexits.h.
      throw ExitCode(78)
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
      hint:
        "name those to serve, each with --claim and --acknowledge from its data sheet, or write a .device file, interruptsync.device(5)"
    )
  }
}
