// Floor 7. bind, unbind and adopt: which kernel driver has a device, and whether the daemon may
// open it. Control.swift runs them. bind and unbind write to sysfs as root and do not need the
// daemon; adopt opens the device as root and hands it to the daemon. On the program's one thread;
// no lock.
import ArgumentParser
import DeviceIdentity
import DeviceInventory
import InterruptSyncClient
import UIO
import Varlink

struct Bind: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Binds a device to a UIO driver or to vfio-pci (root).",
    discussion: """
      The current driver releases the device. When the new driver does not accept it, bind gives it \
      back to the old one. Without --force, bind refuses a device that the machine depends on \
      (mounted disks, swap, the default route), and for vfio-pci a device without an IOMMU in use. \
      Without --group, it refuses vfio-pci for a device whose IOMMU group the host's drivers share.
      """)

  @Argument(
    help: "A PCI address, VENDOR:DEVICE, BUS-NAME, or a UIO device.", completion: .bindable)
  var device: String

  @Option(
    help: ArgumentHelp(
      "The driver (default: uio_pci_generic for PCI with INTx, vfio-pci for PCI without, uio_pdrv_genirq for others)."
    ))
  var driver: String?

  @Flag(help: "Save the binding, and bind again whenever the device appears.") var persist = false

  @Flag(help: "Bind all functions of the device's IOMMU group; none of the others may be in use.")
  var group = false

  @Flag(help: "Bind even when the device is in use.") var force = false

  @Flag(help: ArgumentHelp("Bind as saved by --persist.", visibility: .hidden)) var saved = false

  @OptionGroup var common: CommonOptions

  func validate() throws {
    try common.requireLocal("bind changes the machine that it runs on")
    if saved, persist || group || driver != nil {
      throw ValidationError("--saved takes none of --persist, --group and --driver")
    }
  }

  func run() throws {
    guard !saved else { return try restore() }
    let target = try BusDevice(device)
    let binding = DriverBinding(target)
    let driver = driver ?? binding.usualDriver
    if let file = binding.driverctlFile {
      common.note("\(target): driverctl also binds it to a driver at each boot: \(file)")
    }
    guard !group else { return try bindGroup(of: target, to: driver) }
    let outcome = try binding.bind(to: driver, force: force)
    common.show(target, outcome, outcome.bound("\(target)"))
    guard persist else { return }
    try SavedBinding("\(target)").save(driver: driver)
    binding.announceGroup()
  }

  private func bindGroup(of target: BusDevice, to driver: String) throws {
    guard IOMMUGroupInfo.isVFIO(driver) else {
      throw UIOError(
        .malformed, device: "\(target)", operation: "bind to \(driver)",
        cause: "--group is for drivers of VFIO", hint: "give --driver vfio-pci")
    }
    let group = try GroupBinding(of: target, to: driver)
    for (device, outcome) in try group.bind(to: driver, force: force) {
      common.show(device, outcome, outcome.bound("\(device)"), isOneOfMany: true)
    }
    guard persist else { return }
    for member in group.members { try SavedBinding("\(member.device)").save(driver: driver) }
    group.members[0].announceGroup()
  }

  /// Runs in the unit that udev starts: quick, and quiet when there is nothing to do.
  private func restore() throws {
    let saved = try SavedBinding(device)
    guard let driver = saved.driver else {
      throw UIOError(
        .notFound, device: device, operation: "bind as saved",
        cause: "\(saved.path) names no driver",
        hint: "interruptsyncctl bind --persist writes it")
    }
    let target = try BusDevice(device)
    let outcome = try DriverBinding(target).bind(to: driver, force: force, isSaved: true)
    common.show(target, outcome, outcome.bound("\(target)"))
  }
}

struct Unbind: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Takes a device from its driver and lets the kernel choose one again (root).")

  @Argument(
    help: "A PCI address, VENDOR:DEVICE, BUS-NAME, or a UIO device.", completion: .bindable)
  var device: String

  @Flag(help: "Delete the binding that bind --persist saved.") var persist = false

  @Flag(help: "Unbind even when the device is in use.") var force = false

  @OptionGroup var common: CommonOptions

  func validate() throws {
    try common.requireLocal("unbind changes the machine that it runs on")
  }

  func run() throws {
    let target = try BusDevice(device)
    let saved = try SavedBinding("\(target)")
    let outcome = try DriverBinding(target).unbind(force: force)
    common.show(target, outcome, outcome.unbound("\(target)"))
    if persist {
      if try !saved.remove() { common.note("\(target): no binding was saved") }
    } else if saved.driver != nil {
      common.note(
        "\(target): \(saved.path) binds it again at the next boot; unbind --persist deletes it")
    }
  }
}

extension CommonOptions {
  fileprivate func show(
    _ device: BusDevice, _ outcome: DriverBinding.Outcome, _ done: String, isOneOfMany: Bool = false
  ) {
    if json {
      var object: JSONObject = ["device": .string("\(device)")]
      if let before = outcome.before { object["before"] = .string(before) }
      if let after = outcome.after { object["driver"] = .string(after) }
      return isOneOfMany ? showLine(object) : show(object)
    }
    if !quiet { Console.out(done) }
  }
}

/// The results in words. They begin with the deed, as errors begin with the device.
extension DriverBinding.Outcome {
  func bound(_ device: String) -> String {
    let driver = after ?? "no driver"
    return before == after
      ? "\(driver) has \(device) already"
      : "bound \(device) to \(driver) (before: \(before ?? "no driver"))"
  }

  func unbound(_ device: String) -> String {
    switch (before, after) {
    case (nil, nil): "no driver had \(device), and none has it now"
    case (let before?, nil): "unbound \(device) from \(before); no driver has it now"
    case (nil, let after?): "the kernel gave \(device) to \(after) (before: no driver)"
    case (let before?, let after?):
      before == after
        ? "unbound \(device) from \(before), and the kernel gave it back"
        : "unbound \(device) from \(before); the kernel gave it to \(after)"
    }
  }
}

struct Adopt: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Opens a device for a daemon that may not open it (root).",
    discussion: """
      Hands the device's node to the daemon and, for a PCI function, its configuration space. The \
      daemon keeps both for as long as the device is present, across restarts, and services the \
      device if a file matches it.
      """)

  @OptionGroup var target: DeviceArgument
  @OptionGroup var common: CommonOptions

  func validate() throws {
    try common.requireLocal("adopt hands over descriptors, which do not leave a machine")
  }

  func run() throws {
    try common.client().adoptDevice(target.device)
    common.done("handed \(target.device) over to the daemon")
  }
}
