// The interrupt line of an open UIO device: its counts, and how it is unmasked and masked. Floor 3.
// Drivers, the C and Windows interfaces and the daemon's DeviceOpener make it, on any thread at
// PASSIVE_LEVEL without a lock. An object of floor 4 connects to it
// (UIOLine+InterruptSource.swift); one thread at a time works on its raw part: the serving thread
// reads without a lock, and re-arms under the interrupt lock.
package import CUIO
import Glibc
import Synchronization

/// The interrupt line of a UIO device with its re-arm strategy, chosen from the driver and
/// verified.
@safe public final class UIOLine: @unchecked Sendable {
  /// The open device; the line keeps it open.
  public let device: UIODevice
  /// How the line is re-armed.
  public let strategy: RearmStrategy
  /// PCI configuration space, where the strategy needs it.
  package let configuration: FileDescriptor?
  /// The memory that the dispatcher works on. One user at a time.
  package let raw: UnsafeMutablePointer<cuio_line>

  /// Prepares the line and masks it until an object connects to it.
  ///
  /// - Parameters:
  ///   - device: an open device; its counts go to one connected line at a time (fact 6).
  ///   - strategy: nil chooses by driver: `uio_pci_generic` takes PCI COMMAND, the genirq drivers
  ///     irqcontrol; an unknown driver is asked by masking the line, and takes none when it has no
  ///     irqcontrol.
  /// - Throws: `noInterrupt`, `rearmUnsupported` (the strategy does not exist on this device), `busy`
  ///   (another process is connected to it, and the line is left as it is), `otherProcess`,
  ///   `permissionDenied`, `removed`, `driverFailed`.
  public convenience init(_ device: UIODevice, strategy: RearmStrategy? = nil) throws(UIOError) {
    try self.init(device, strategy: strategy, configuration: nil)
  }

  /// The same, with the function's configuration space open already; nil opens it where the strategy
  /// needs it.
  package init(
    _ device: UIODevice, strategy: RearmStrategy?, configuration opened: FileDescriptor?
  ) throws(UIOError) {
    guard device.hasInterrupt else { throw Self.noInterrupt(device) }
    guard device.gate.probe() else {
      throw UIOOperation.read.error(EIO, device: device.description)
    }
    try device.requireOwnProcess("prepare the interrupt line")
    let chosen: RearmStrategy
    if let known = strategy ?? RearmStrategy.known(driver: device.info.driver) {
      chosen = known
    } else {
      chosen = try Self.probed(device)
    }
    var configuration: FileDescriptor?
    if chosen == .pciCommand {
      if let opened {
        configuration = opened
      } else {
        configuration = try Self.openConfiguration(device)
      }
    }
    self.device = device
    self.strategy = chosen
    self.configuration = configuration
    unsafe raw = UnsafeMutablePointer<cuio_line>.allocate(capacity: 1)
    unsafe raw.initialize(
      to: cuio_line(
        fd: device.file.raw,
        rearm_fd: configuration?.raw ?? (chosen == .irqControl ? device.file.raw : -1),
        format: device.isShared ? CUIO_COUNT_POLLED_TOTAL32 : CUIO_COUNT_TOTAL32,
        rearm: chosen.raw, total: device.total.load(ordering: .relaxed), command: 0, hooks: 0))
    try device.whileUnused("prepare the interrupt line") { () throws(UIOError) in try verify() }
  }

  deinit {
    unsafe raw.deinitialize(count: 1)
    unsafe raw.deallocate()
  }

  /// Takes the line for one user; false while another of this process has it.
  /// - Throws: `busy`, `otherProcess`, as `UIODevice.claimLine()`.
  package func claim() throws(UIOError) -> Bool {
    guard try device.claimLine() else { return false }
    unsafe cuio_line_set_total(raw, device.total.load(ordering: .relaxed))
    return true
  }

  package func unclaim() {
    device.total.store(total, ordering: .relaxed)
    device.unclaimLine()
  }

  /// Interrupts the kernel has counted up to the last read, modulo 2^32 (fact 8).
  public var total: UInt32 { unsafe cuio_line_total(raw) }

  /// Turns bus mastering on or off, so that later re-arms, which write the whole of COMMAND, keep
  /// it (facts 42, 45).
  /// - Throws: `rearmUnsupported` on a line that is not re-armed by PCI COMMAND,
  ///   `permissionDenied`, `removed`, `otherProcess`.
  public func setBusMaster(_ isOn: Bool) throws(UIOError) {
    try device.requireOwnProcess("set bus master")
    guard configuration != nil else {
      throw UIOError(
        .rearmUnsupported, device: device.description, operation: "set bus master",
        cause:
          "it is re-armed by \(strategy.rawValue), so its PCI configuration space is not open",
        hint: "choose PCI COMMAND as the line's strategy")
    }
    let result = unsafe cuio_line_set_bus_master(raw, isOn)
    if result != 0 { throw failure(.configuration, -result) }
  }

  /// The error that a failed operation on this line means.
  package func failure(_ operation: UIOOperation, _ number: Int32) -> UIOError {
    Self.failure(device, operation, number)
  }

  private static func failure(
    _ device: UIODevice, _ operation: UIOOperation, _ number: Int32
  ) -> UIOError {
    var error = operation.error(number, device: device.description)
    // EIO is the kernel's for a device without interrupt, and any driver's for what it likes (facts
    // 16, 18).
    if operation == .irqControl, number == EIO, device.hasInterrupt {
      error = UIOError(
        .driverFailed, device: device.description, operation: operation.rawValue,
        cause: "its driver refused to re-arm", hint: "the kernel's log may say why", errno: number)
    }
    if error.code == .removed { device.gate.shut() }
    return error
  }

  /// Masks what may be unmasked since the driver's probe (fact 48), which shows whether the
  /// strategy works.
  private func verify() throws(UIOError) {
    switch strategy {
    case .none: return
    case .irqControl:
      let result = device.file.irqControl(0)
      if result != 0 { throw failure(.irqControl, -result) }
    case .pciCommand:
      var result = unsafe cuio_line_refresh_command(raw)
      if result == 0 { result = unsafe cuio_line_mask(raw) }
      if result != 0 { throw failure(.configuration, -result) }
    }
  }

  private static func openConfiguration(_ device: UIODevice) throws(UIOError) -> FileDescriptor {
    let operation = UIOOperation.openConfiguration
    let file: FileDescriptor
    do throws(SystemError) {
      file = try FileDescriptor.open("\(device.info.parentFolder)/config", O_RDWR)
    } catch {
      let number = device.gate.probe() ? error.number : ENODEV
      throw operation.error(number, device: device.description)
    }
    // The path leads through the device's number, which another one may have by now (fact 5).
    guard device.gate.probe() else { throw operation.error(ENODEV, device: device.description) }
    return file
  }

  private static func probed(_ device: UIODevice) throws(UIOError) -> RearmStrategy {
    var result: Int32 = 0
    let isAsked = try device.whileUnused("prepare the interrupt line") { () throws(UIOError) in
      result = device.file.irqControl(0)
    }
    guard isAsked else {
      throw UIOError(
        .busy, device: device.description, operation: "prepare the interrupt line",
        cause:
          "its driver is unknown, and asking the driver would mask the line of a connected object",
        hint: "name the strategy, or make the line before you connect another", errno: EBUSY)
    }
    switch -result {
    case 0: return .irqControl
    case ENOSYS: return .none
    default: throw failure(device, .irqControl, -result)
    }
  }

  private static func noInterrupt(_ device: UIODevice) -> UIOError {
    UIOError(
      .noInterrupt, device: device.description, operation: "prepare the interrupt line",
      cause: "the device has no interrupt", hint: UIOOperation.interruptHint, errno: EIO)
  }
}

extension RearmStrategy {
  package var raw: cuio_rearm_kind {
    switch self {
    case .irqControl: CUIO_REARM_IRQCONTROL
    case .pciCommand: CUIO_REARM_PCI_COMMAND
    case .none: CUIO_REARM_NONE
    }
  }
}

// MARK: Re-arming

/// How an interrupt line is unmasked after it has been serviced.
public enum RearmStrategy: String, Sendable, CaseIterable {
  /// Write 1 to the device node; drivers with an irqcontrol hook (facts 17, 48).
  case irqControl = "irqcontrol"
  /// Clear Interrupt-Disable in PCI COMMAND; `uio_pci_generic` (facts 41, 42).
  case pciCommand = "pci-command"
  /// Nothing is masked and nothing needs re-arming: edge and message-signalled lines.
  case none

  /// What a known kernel driver needs; nil for a driver not known by name, which is then asked
  /// (fact 16).
  package static func known(driver: String?) -> RearmStrategy? {
    switch driver {
    case "uio_pci_generic": .pciCommand
    case "uio_pdrv_genirq", "uio_dmem_genirq", "uio_hv_generic", "igb_uio": .irqControl
    case "uio_pci_sva", "uio_pci_generic_sva": RearmStrategy.none
    default: nil
    }
  }
}
