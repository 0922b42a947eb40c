import ArgumentParser
import DeviceInventory
import UIO

struct Bind: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Gives a device to a UIO driver (root).",
    discussion: """
      The driver that has it lets go; when the new one does not take it, the old one gets it back. \
      A device that the machine leans on (mounted disks, swap, the default route) is left alone \
      without --force.
      """)

  @Argument(help: "A PCI address, BUS-NAME, or a UIO device.") var device: String

  @Option(help: "The driver.") var driver: String?

  @Flag(help: "Do it again whenever the device appears.") var persist = false

  @Flag(help: "Also when the device is in use.") var force = false

  @Flag(help: ArgumentHelp("Bind as saved by --persist.", visibility: .hidden)) var saved = false

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if saved, persist || driver != nil { throw ValidationError("--saved stands alone") }
  }

  func run() throws {
    guard !saved else { return try restore() }
    let target = try BusDevice(device)
    let driver = driver ?? (target.bus == "pci" ? "uio_pci_generic" : "uio_pdrv_genirq")
    let binding = DriverBinding(target)
    if let file = binding.driverctlFile {
      common.note("\(target): driverctl sets a driver for it at each start too: \(file)")
    }
    try report(target, binding.bind(to: driver, force: force))
    if persist { try SavedBinding("\(target)").save(driver: driver) }
  }

  /// For the unit that udev starts: quick, and quiet where there is nothing to do.
  private func restore() throws {
    let saved = try SavedBinding(device)
    guard let driver = saved.driver else {
      throw UIOError(
        .notFound, device: device, operation: "bind as saved",
        cause: "\(saved.path) names no driver",
        hint: "interruptsyncctl bind --persist writes it")
    }
    let target = try BusDevice(device)
    try report(target, DriverBinding(target).bind(to: driver, force: force))
  }

  private func report(_ target: BusDevice, _ outcome: DriverBinding.Outcome) throws {
    BindingReport.show(target, outcome, common)
  }
}
