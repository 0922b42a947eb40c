// An open device behind an IOMMU: its registers, its configuration space, its interrupts as
// vectors, and the way back to the host. Floor 3. Drivers, the C and Windows interfaces and the
// daemon's VFIOFunctions open it, VFIOLine asks it: any thread at PASSIVE_LEVEL, without an
// interrupt lock. The thread `vfio notices` gives it back. A monitor guards what is open. The
// module re-exports the identity of devices, as UIO does.
import CUIO
import CVFIO
@_exported public import DeviceIdentity
package import DeviceRegisters
import Glibc
package import LinuxSystem

/// An event of a device that no line reports: `VFIODevice.init` takes a handler of them.
public enum VFIOReport: Sendable, CustomStringConvertible {
  /// The host wanted the device back and has it: its lines have ended, and registers and
  /// configuration space are `removed`. Once.
  case returned(UIOError)
  /// The device has reported an error to the host, over PCI Express. It stays open; after a fatal
  /// error, for which the kernel resets its link, open it again (V38).
  case failed(UIOError)

  /// The error with its hint, for a log.
  public var description: String {
    switch self {
    case .returned(let error), .failed(let error): error.description
    }
  }
}

/// An open PCI function that the kernel's vfio-pci drives: with messages or INTx, and with an IOMMU that
/// keeps it to the memory that it was given.
///
/// The device is closed with the last reference to it, its lines and its regions; the close may reset
/// it and wait for that. When the host wants it back (its driver is unbound, or it is unplugged) it goes
/// back at once: see ``VFIOReport/returned(_:)``.
public final class VFIODevice: Sendable, CustomStringConvertible {
  /// The place of the function.
  public let address: PCIAddress
  /// How it interrupts.
  public var interrupt: VFIOInterrupt { vectors.interrupt }
  /// How many lines it has: vectors of messages, or one.
  public var vectorCount: Int { vectors.count }
  /// Whether `reset()` works.
  public let canReset: Bool

  package let file: FileDescriptor
  let kernel: any VFIOKernel
  let vectors: VFIOVectors
  package let gate: LivenessGate
  let membership: IOMMUGroup.Membership
  private let configurationRegion: cvfio_region
  private let handler: (@Sendable (VFIOReport) -> Void)?
  private let notices: Notices
  private let ended: FileDescriptor
  /// The generation of the process that opened it, or took it over from one that had ended.
  private let owner = DeviceOwner()
  private let opened = Opened()

  /// What the host has to get back.
  private final class Opened: @unchecked Sendable {
    let monitor = Monitor()
    // Guarded by `monitor`.
    var isReturned = false
    var regions: [Weak] = []
    /// To the host's notices.
    var subscription: HostNotices.Subscription?

    struct Weak { weak var region: RegisterRegion? }
  }

  /// The eventfds of the host's notices.
  private final class Notices: Sendable {
    let wanted: FileDescriptor
    let failed: FileDescriptor

    init() throws(SystemError) {
      wanted = try .event()
      failed = try .event()
    }
  }

  /// Opens a function, which turns its bus mastering off (V9).
  ///
  /// - Parameters:
  ///   - address: the function, whose driver is vfio-pci.
  ///   - interrupt: nil takes MSI-X where the device has it, else MSI, else INTx.
  ///   - sysfs: where the kernel's files are; tests pass a copy.
  ///   - report: gets what no line reports, on a thread of the library's at PASSIVE_LEVEL.
  /// - Throws: `notFound`, `notIsolated` (no IOMMU, or no remapping of interrupts), `busy` (another
  ///   process has the IOMMU group, or a driver of the host has a member of it), `permissionDenied`,
  ///   `noInterrupt`, `resourcesExhausted`.
  public convenience init(
    _ address: PCIAddress, interrupt: VFIOInterrupt? = nil, sysfs: Sysfs = .system,
    report: (@Sendable (VFIOReport) -> Void)? = nil
  ) throws(UIOError) {
    try self.init(address, interrupt, sysfs, SystemVFIO(), report)
  }

  /// Opens the function with this stable id, such as `pci-0000:01:00.0`.
  ///
  /// Errors as with an address; `malformed` for an id that is not of a PCI function.
  public convenience init(
    _ stableID: String, interrupt: VFIOInterrupt? = nil, sysfs: Sysfs = .system,
    report: (@Sendable (VFIOReport) -> Void)? = nil
  ) throws(UIOError) {
    guard stableID.hasPrefix("pci-"), let address = PCIAddress(stableID.dropFirst(4)) else {
      throw UIOError(
        .malformed, device: stableID, operation: "open",
        cause: "that is not the stable id of a PCI function", hint: "write pci-0000:01:00.0")
    }
    try self.init(address, interrupt: interrupt, sysfs: sysfs, report: report)
  }

  /// - Parameters:
  ///   - kept: goes on with what an earlier process had open.
  ///   - closing: runs the close of a device that the host did not want back, which may wait.
  package init(
    _ address: PCIAddress, _ interrupt: VFIOInterrupt?, _ sysfs: Sysfs, _ kernel: any VFIOKernel,
    _ report: (@Sendable (VFIOReport) -> Void)?, continuing kept: VFIODescriptors? = nil,
    closing: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void = { $0() }
  ) throws(UIOError) {
    let name = "pci-\(address)"
    let (file, membership) = try IOMMUGroup.openDevice(
      address, sysfs, kernel, kept, closing: closing)
    var configuration = cvfio_region()
    let result = kernel.region(file, UInt32(CVFIO_REGION_CONFIGURATION), &configuration)
    if result < 0 { throw VFIOOperation.describe.error(-result, device: name) }
    if kept != nil { try Self.requireFunction(address, sysfs, file, configuration.offset) }
    vectors = try VFIOVectors(interrupt, of: file, kernel, name, continuing: kept)
    do throws(SystemError) {
      notices = try Notices()
      ended = try .ended()
    } catch {
      throw VFIOOperation.describe.error(error.number, device: name)
    }
    self.address = address
    self.file = file
    self.kernel = kernel
    self.membership = membership
    canReset = kernel.canReset(file) == 1
    configurationRegion = configuration
    handler = report
    let offset = configuration.offset
    gate = LivenessGate { Self.answers(file, offset) }
    try subscribe()
  }

  deinit { unsubscribe() }

  /// `pci-0000:01:00.0`: its stable id.
  public var description: String { "pci-\(address)" }

  /// Whether the device is still there. Asks it.
  public var isAlive: Bool { gate.probe() }

  /// Class and revision, which the kernel reads from the device; it makes up the vendor (V32).
  private static func answers(_ file: FileDescriptor, _ configuration: UInt64) -> Bool {
    var value: UInt32 = 0
    return unsafe cuio_port_read(file.raw, configuration + 8, 4, &value) == 0 && value != .max
  }

  // MARK: Processes

  /// Fails in a forked child whose parent lives.
  package func requireOwnProcess(_ operation: String) throws(UIOError) {
    guard try owner.requireCurrent(operation, of: description) else { return }
    // The thread that waited for the host's notices stayed in the parent.
    try subscribe()
  }

  private func subscribe() throws(UIOError) {
    let subscription = HostNotices.Subscription(wanted: notices.wanted, failed: notices.failed) {
      [weak self] notice in
      switch notice {
      case .wanted: self?.giveBack()
      case .failed: self?.reportFailure()
      }
    }
    do throws(SystemError) { try HostNotices.shared.add(subscription) } catch {
      throw VFIOOperation.describe.error(error.number, device: description)
    }
    opened.monitor.locked { opened.subscription = subscription }
    let request = kernel.arm(file, CVFIO_REQUEST, 0, notices.wanted)
    if request < 0 { throw VFIOOperation.describe.error(-request, device: description) }
    // A function that is not PCIe reports no errors (V11).
    if kernel.count(file, CVFIO_ERROR) > 0 {
      _ = kernel.arm(file, CVFIO_ERROR, 0, notices.failed)
    }
  }

  private func unsubscribe() {
    if let subscription = opened.monitor.locked({ opened.subscription }) {
      HostNotices.shared.remove(subscription)
    }
  }

  // MARK: Back to the host

  /// The host waits until every descriptor and every mapping is gone (V10, V35): they go at once, from
  /// under whatever uses them.
  private func giveBack() {
    let regions = opened.monitor.locked { () -> [Opened.Weak]? in
      if opened.isReturned { return nil }
      opened.isReturned = true
      return opened.regions
    }
    guard let regions else { return }
    gate.shut()
    vectors.end(with: ended)
    for entry in regions { entry.region?.revoke() }
    file.become(ended)
    membership.leave()
    unsubscribe()
    handler?(.returned(returned("service the device")))
  }

  package var isReturned: Bool { opened.monitor.locked { opened.isReturned } }

  /// The error of everything that comes too late.
  package func returned(_ operation: String) -> UIOError {
    UIOError(
      .removed, device: description, operation: operation,
      cause: "the host wanted the device back and got it",
      hint: "open it again by its stable id once vfio-pci has it again", errno: ENODEV)
  }

  private func reportFailure() {
    let error = UIOError(
      .driverFailed, device: description, operation: "report an error",
      cause: "the device has reported an error over PCI Express",
      hint: "the kernel's log has its kind; reset the device or stop using it")
    handler?(.failed(error))
  }

  // MARK: Registers

  /// Reaches BAR `number` of the function: mapped, or with a system call an access where it cannot be
  /// mapped, as I/O ports and small BARs (V30).
  /// - Throws: `noSuchRegion`, `removed`, `resourcesExhausted`, `otherProcess`.
  public func region(bar number: Int) throws(UIOError) -> RegisterRegion {
    let name = "\(description) bar\(number)"
    try requireOwnProcess("map the PCI BAR")
    var region = cvfio_region()
    guard (0...5).contains(number) else { throw absent(name, number) }
    return try opening(name) { () throws(UIOError) in
      let result = kernel.region(file, UInt32(number), &region)
      if result < 0 { throw VFIOOperation.region.error(-result, device: name) }
      guard region.size > 0 else { throw absent(name, number) }
      guard region.is_mappable, let mapped = try mapped(region, name) else {
        return unmapped(region, name, .access)
      }
      return mapped
    }
  }

  /// The configuration space of the function. The kernel answers for what could harm others: vendor,
  /// BARs and Interrupt-Disable among them (V19, V32). Leave memory decoding on: with it off every mapped
  /// access would fail (V31).
  /// - Throws: `removed`, `otherProcess`.
  public func configuration() throws(UIOError) -> RegisterRegion {
    try requireOwnProcess("open the PCI configuration space")
    let name = "\(description) config"
    return try opening(name) { unmapped(configurationRegion, name, .configuration) }
  }

  /// Opens a region, and remembers it for the host.
  private func opening(
    _ name: String, _ body: () throws(UIOError) -> RegisterRegion
  ) throws(UIOError) -> RegisterRegion {
    try opened.monitor.locked { () throws(UIOError) in
      if opened.isReturned { throw returned("open \(name)") }
      let region = try body()
      opened.regions.removeAll { $0.region == nil }
      opened.regions.append(Opened.Weak(region: region))
      return region
    }
  }

  /// Nil where the kernel does not map the whole of it: a table of MSI-X in the midst of a BAR, on
  /// kernels that keep it to themselves (V26).
  private func mapped(
    _ region: cvfio_region, _ name: String
  ) throws(UIOError) -> RegisterRegion? {
    let page = Int(cuio_page_size())
    guard let size = Int(exactly: region.size), size <= Int.max - page else { return nil }
    let length = (size + page - 1) / page * page
    var address: UnsafeMutableRawPointer?
    let result = unsafe cuio_map(file.raw, region.offset, length, true, &address)
    guard result == 0, let address = unsafe address else {
      if result == -EINVAL { return nil }
      throw VFIOOperation.region.error(-result, device: name)
    }
    return unsafe RegisterRegion(
      name: name, mapping: address, length: length, offset: 0, size: size, gate: gate)
  }

  private func unmapped(
    _ region: cvfio_region, _ name: String, _ operation: VFIOOperation
  ) -> RegisterRegion {
    RegisterRegion(
      name: name, port: file, at: region.offset, size: Int(clamping: region.size), gate: gate
    ) { operation.error($0, device: name) }
  }

  private func absent(_ name: String, _ number: Int) -> UIOError {
    UIOError(
      .noSuchRegion, device: name, operation: "map the PCI BAR",
      cause: "the function has no BAR \(number)",
      hint: "the file resource in its sysfs folder lists them")
  }

  /// What the devices of its IOMMU group reach, for memory of theirs.
  /// - Throws: `removed`.
  func memorySpace(_ operation: String) throws(UIOError) -> DMASpace {
    if opened.monitor.locked({ opened.isReturned }) { throw returned(operation) }
    return membership.group.memory
  }

  // MARK: Bus mastering and reset

  /// Turns bus mastering on or off. Connecting a line of messages turns it on: without it no message
  /// arrives (V20).
  /// - Throws: `removed`, `otherProcess`, `permissionDenied`.
  public func setBusMaster(_ isOn: Bool) throws(UIOError) {
    try requireOwnProcess("set bus master")
    try opened.monitor.locked { () throws(UIOError) in
      if opened.isReturned { throw returned("set bus master") }
      let place = configurationRegion.offset + UInt64(CUIO_PCI_COMMAND)
      var command: UInt32 = 0
      try check(unsafe cuio_port_read(file.raw, place, 2, &command), .configuration)
      let wanted =
        isOn
        ? command | UInt32(CUIO_PCI_COMMAND_MASTER) : command & ~UInt32(CUIO_PCI_COMMAND_MASTER)
      guard wanted != command else { return }
      try check(cuio_port_write(file.raw, place, 2, wanted), .configuration)
    }
  }

  /// Resets the function. Registers are `removed` meanwhile and there again afterwards (V31); bus
  /// mastering is off until it is set. Lines stay connected.
  /// - Throws: `unsupported` where the function has no reset of its own, `removed`, `otherProcess`.
  public func reset() throws(UIOError) {
    try requireOwnProcess("reset the device")
    try opened.monitor.locked { () throws(UIOError) in
      if opened.isReturned { throw returned("reset the device") }
      guard canReset else { throw VFIOOperation.reset.error(EINVAL, device: description) }
      try check(gate.whileShut { kernel.reset(file) }, .reset)
    }
  }

  private func check(_ result: Int32, _ operation: VFIOOperation) throws(UIOError) {
    if result < 0 { throw operation.error(-result, device: description) }
  }
}
