// Floor 7. The program: its command line, and the wiring of the service. systemd or a shell starts
// it. `main` runs on the control thread, which is the process's main thread, and returns when the
// service ends; no lock. Descriptors and the environment are taken first, before there is another
// thread.
import ArgumentParser
import Glibc
import InterruptSync
import InterruptSyncService
import LinuxSystem
import UIO

@main
struct Daemon: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "interruptsyncd",
    abstract: "Services the interrupts of UIO and VFIO devices.",
    discussion: """
      Options about a device follow its name; options before the first device apply to all.

        interruptsyncd pci-0000:00:03.0 --claim bar0:0x24/32 --acknowledge bar0:0x64/32=claimed

      If you name no device, it services every device that a file in /etc/interruptsync/devices \
      (or another folder of interruptsync.device(5)) matches. With no file and no device on the \
      machine it services a software line, so that you can see it run.
      """,
    version: "0.1.0")

  @Argument(help: "A UIO device: node (/dev/uio0), stable id (pci-0000:00:03.0) or name.")
  var devices: [String] = []

  @OptionGroup(title: "About a device") var device: DeviceArguments

  @Flag(help: "Print one JSON object per device and second instead of text.") var json = false

  @Flag(
    name: .shortAndLong,
    help: "Print no statistics, and print nothing if --check-config finds no problem.")
  var quiet = false

  @Option(name: .customLong("for"), help: "Exit after this many seconds.") var seconds: Double?

  @Option(help: "Trigger the software line this many times a second.") var rate: UInt64 = 1000

  @Option(
    help: "Listen for clients at this path, for instance /run/interruptsync/io.interruptsync.",
    completion: .file())
  var listen: [String] = []

  @Flag(help: "List the UIO devices and those of vfio-pci, and exit.") var list = false

  @Flag(
    help:
      "Check the configuration, or the named .device and .conf files, and exit with 0, 74 or 78.")
  var checkConfig = false

  @Flag(
    help: "Print the merged configuration with the origin of each key, and exit with 0, 74 or 78.")
  var dumpConfig = false

  @Option(
    help: "Read the configuration below this folder instead of /.",
    completion: .directory)
  var configRoot = ""

  static func main() {
    // A write to a pipe or file that takes no more fails; it does not end the service.
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    main(ProgramArguments.words)
  }

  func validate() throws {
    if checkConfig, dumpConfig { throw ValidationError("give --check-config or --dump-config") }
    if !configRoot.isEmpty, !devices.isEmpty {
      throw ValidationError(
        "--config-root has no effect if you name devices or files: leave one of them out")
    }
    if dumpConfig, !devices.isEmpty {
      throw ValidationError("--dump-config prints the whole configuration: name no devices")
    }
    if let seconds, !(seconds > 0 && seconds < 1e9) {
      throw ValidationError("--for takes a number of seconds greater than 0")
    }
    if !(1...100_000).contains(rate) { throw ValidationError("--rate takes 1 to 100000") }
  }

  func run() throws {
    if list { return Self.show(UIODeviceInfo.all(), VFIODeviceInfo.all()) }
    if checkConfig || dumpConfig { return try check() }
    let environment = ServiceEnvironment.take()
    let inherited = InheritedDescriptors(environment)
    let (files, isKept) = try readConfiguration(environment, inherited)
    do {
      // Under a service manager it waits for devices, files and clients, and makes no software line.
      let isConfigured =
        files?.devices.isEmpty == false || environment.hasManager || !listen.isEmpty
      if devices.isEmpty, !isConfigured { try refuseToChoose() }
      let groups = ArgumentGroups(ProgramArguments.words[...], devices: devices)
      var configuration = ServiceConfiguration(
        devices: try groups.configurations(), isJSON: json, duration: seconds, softwareRate: rate,
        sockets: listen, printsStatus: !quiet)
      if devices.isEmpty, isConfigured {
        configuration.files = files
        configuration.isKept = isKept
        let tree = ConfigurationTree(root: configRoot)
        configuration.read = { () throws(ConfigurationError) in try ConfigurationSet(tree) }
      }
      let service = try Service(
        configuration, environment: environment, inherited: inherited)
      try service.run()
    } catch {
      Journal.standard.log(.error, "\(error)")
      throw ExitCode(1)
    }
  }

  /// Reads the files, or those that are named.
  /// - Throws: the exit status, after every fault has been printed.
  private func check() throws(ExitCode) {
    do throws(ConfigurationError) {
      let files =
        try devices.isEmpty
        ? ConfigurationSet(ConfigurationTree(root: configRoot)) : ConfigurationSet(files: devices)
      if dumpConfig {
        Console.show(files.dump)
      } else if !quiet {
        let count = devices.isEmpty ? files.devices.count : devices.count
        let files = counted(count, devices.isEmpty ? "device file" : "file")
        Console.out("\(files) checked, no problems found")
      }
    } catch { throw refusal(error) }
  }

  /// The configuration of this start; nil if devices are named, which are then all that is serviced.
  /// - Throws: the exit status, after every fault has been printed.
  private func readConfiguration(
    _ environment: ServiceEnvironment, _ inherited: InheritedDescriptors
  ) throws(ExitCode) -> (files: ConfigurationSet?, isKept: Bool) {
    guard devices.isEmpty else { return (nil, false) }
    let tree = ConfigurationTree(root: configRoot)
    let start = ConfigurationStart(
      kept: inherited.first(.configuration),
      attempts: environment.hasManager ? ConfigurationStart.attempts : 0, journal: .standard
    ) { () throws(ConfigurationError) in
      try ConfigurationSet(tree)
    } wait: {
      sleep(1)
    }
    switch start {
    case .accepted(let files): return (files, false)
    case .kept(let files, _): return (files, true)
    case .refused(let error): throw refusal(error)
    }
  }

  private func refusal(_ error: ConfigurationError) -> ExitCode {
    Console.complain(error.description)
    return ExitCode(error.exitStatus)
  }

  /// Taking over hardware that the user did not name could disturb its owner.
  private func refuseToChoose() throws {
    let found = UIODeviceInfo.all()
    let functions = VFIODeviceInfo.all()
    guard !found.isEmpty || !functions.isEmpty else { return }
    Self.show(found, functions)
    throw UIOError(
      .malformed, device: "interruptsyncd", operation: "start",
      cause: "no .device file matches this machine's devices, and you named none",
      hint:
        "name the devices to service, each with --claim and --acknowledge from its data sheet, or write a .device file, interruptsync.device(5)"
    )
  }

  private static func show(_ devices: [UIODeviceInfo], _ functions: [VFIODeviceInfo]) {
    if devices.isEmpty, functions.isEmpty {
      Journal.standard.log(
        LogRecord(
          .notice, "this machine has no UIO device",
          hint:
            "interruptsyncctl list --all shows the devices that interruptsyncctl bind can give to one"
        )
      )
    }
    for device in devices {
      let bars = device.pci?.bars.map { "bar\($0.number)" } ?? []
      let regions = (device.maps.map { "map\($0.index)" } + bars).joined(separator: " ")
      Console.out(
        "uio\(device.number)  \(device.stableID)  \(device.name)  "
          + "\(device.driver ?? "no driver")  \(regions)")
    }
    for function in functions {
      let regions = function.pci.bars.map { "bar\($0.number)" }.joined(separator: " ")
      let group = function.group.map { "\($0.number)" } ?? "no group"
      Console.out("vfio/\(group)  \(function.stableID)  \(function.driver)  \(regions)")
    }
  }
}
