// An open UIO device: its descriptor, what sysfs said about it when it was opened, its register
// regions, whether it is still there, and taking it over from an earlier process. Floor 3. Drivers,
// the C and Windows interfaces and the daemon's DeviceOpener open it, UIOLine asks it. Any thread
// at PASSIVE_LEVEL; no lock: what changes is atomic. The module re-exports the identity of devices:
// `import UIO` is enough for a driver.
import CUIO
@_exported public import DeviceIdentity
package import DeviceRegisters
import Glibc
package import LinuxSystem
package import Synchronization

/// An open UIO device.
///
/// Open it once per process: each close of a PCI device turns its bus mastering off for every other
/// user of it (fact 45). The descriptor is closed with the last reference; regions and lines keep
/// one.
public final class UIODevice: Sendable, CustomStringConvertible {
  /// What sysfs said when the device was opened.
  public let info: UIODeviceInfo
  package let sysfs: Sysfs
  package let file: FileDescriptor
  package let gate: LivenessGate
  /// The count up to which interrupts have been reported, while no line is claimed. Starts with what
  /// sysfs said before the open: everything since is reported, nothing twice (facts 6, 8).
  package let total: Atomic<UInt32>
  /// Another process has the open file, too, and may make its reads wait at any time.
  let isShared: Bool
  private let isLineClaimed = Atomic<Bool>(false)
  /// The generation of the process that opened it, or took it over from one that had ended.
  private let owner = DeviceOwner()
  /// Whether the device can interrupt at all (facts 13, 39).
  public let hasInterrupt: Bool

  /// Opens the device that `id` names.
  /// - Throws: `notFound`, `ambiguous`, `permissionDenied`, `removed`, `busy` or `driverFailed`
  ///   (facts 1, 4, 5).
  public convenience init(_ id: UIODeviceID, sysfs: Sysfs = .system) throws(UIOError) {
    try self.init(try UIODeviceInfo.find(id, sysfs: sysfs), sysfs: sysfs)
  }

  /// Opens a device found before.
  /// - Throws: `removed` when it has gone or another has its number now (fact 5); `notFound`,
  ///   `permissionDenied`, `busy` or `driverFailed`.
  public convenience init(_ info: UIODeviceInfo, sysfs: Sysfs = .system) throws(UIOError) {
    // `info` may be old. An interrupt between this and the open is counted, and the descriptor
    // does not report it.
    let event = try UIODeviceInfo(number: info.number, sysfs: sysfs).event
    let file: FileDescriptor
    do throws(SystemError) {
      file = try FileDescriptor.open(info.path, O_RDWR | O_NONBLOCK)
    } catch {
      throw UIOOperation.open.error(error.number, device: "uio\(info.number) (\(info.stableID))")
    }
    self.init(info, node: file, sysfs: sysfs)
    total.store(event, ordering: .relaxed)
    // Numbers are reused (fact 5): only now is it certain that the node is of the device found.
    let opened = try UIODeviceInfo(number: info.number, sysfs: sysfs).stableID
    guard opened == info.stableID else {
      throw UIOError(
        .removed, device: description, operation: UIOOperation.open.rawValue,
        cause: "the device was removed, and \(opened) has its number now",
        hint: "open it again by its stable id once it is back")
    }
  }

  /// Takes over an open node; tests pass what behaves like one.
  package init(
    _ info: UIODeviceInfo, node: FileDescriptor, isShared: Bool = false, sysfs: Sysfs
  ) {
    file = node
    self.isShared = isShared
    total = Atomic(info.event)
    self.info = info
    self.sysfs = sysfs
    // Without an interrupt poll is in error and irqcontrol answers EIO; torn down it answers EINVAL
    // (facts 16, 21).
    hasInterrupt =
      !(LivenessGate.isDead(file.raw) && LivenessGate.answersWithoutInterrupt(file))
    gate = LivenessGate(device: file, hasInterrupt: hasInterrupt)
  }

  /// Takes the descriptor's counts for one line; false while another of this process has them.
  /// There is one cursor (fact 6).
  /// - Throws: `busy`, which names the process that is connected to the device; `otherProcess`.
  package func claimLine() throws(UIOError) -> Bool {
    try requireOwnProcess("connect")
    guard !isLineClaimed.exchange(true, ordering: .acquiringAndReleasing) else { return false }
    do throws(UIOError) { try claimNode("connect") } catch {
      isLineClaimed.store(false, ordering: .releasing)
      throw error
    }
    return true
  }

  package func unclaimLine() {
    unclaimNode()
    isLineClaimed.store(false, ordering: .releasing)
  }

  /// Runs `body`, which masks the line, unless an object of this process is connected to it: then
  /// there is nothing to be masked. Whether it ran.
  @discardableResult
  package func whileUnused(_ operation: String, _ body: () throws(UIOError) -> Void)
    throws(UIOError) -> Bool
  {
    try requireOwnProcess(operation)
    guard !isLineClaimed.exchange(true, ordering: .acquiringAndReleasing) else { return false }
    defer { isLineClaimed.store(false, ordering: .releasing) }
    try claimNode(operation)
    defer { unclaimNode() }
    try body()
    return true
  }

  // Tests pass other files than the node, which all their processes share.
  private var isNode: Bool { file.isFile(at: info.path) }

  private func claimNode(_ operation: String) throws(UIOError) {
    guard isNode, let holder = file.claim() else { return }
    throw UIOError(
      .busy, device: description, operation: operation, cause: holder,
      hint: "a device has one user: disconnect it there, or ask the daemon to attach you to it",
      errno: EBUSY)
  }

  private func unclaimNode() { if isNode { file.unclaim() } }

  /// Fails in a forked child whose parent lives.
  package func requireOwnProcess(_ operation: String) throws(UIOError) {
    if try owner.requireCurrent(operation, of: description) {
      isLineClaimed.store(false, ordering: .releasing)
    }
  }

  /// `uio0 (pci-0000:00:03.0)`.
  public var description: String { "uio\(info.number) (\(info.stableID))" }

  /// The kernel's number of the device's interrupt: from PCI, or what was requested under the
  /// device's name. Nil where neither says it.
  package func interruptNumber(_ procfs: Procfs = .system) -> Int? {
    if let irq = info.pci?.irq, irq != 0 { return irq }
    return procfs.interrupt(requestedBy: info.name)
  }

  /// Whether the device is still there. Asks the kernel.
  public var isAlive: Bool { gate.probe() }

  /// Maps map `index`, `offset` applied and the usable length enforced (facts 33 to 35).
  /// - Throws: `noSuchRegion`, `unmappable`, `removed`, `permissionDenied`, `resourcesExhausted`,
  ///   `otherProcess`.
  public func region(map index: Int) throws(UIOError) -> RegisterRegion {
    try requireOwnProcess("map memory")
    guard let map = info.maps.first(where: { $0.index == index }) else {
      let there = info.maps.map { "map\($0.index)" }.joined(separator: ", ")
      throw UIOError(
        .noSuchRegion, device: description, operation: "map memory",
        cause: "there is no map\(index)",
        hint: there.isEmpty ? "the device has no maps" : "the device has \(there)")
    }
    let page = cuio_page_size()
    let name = "\(description) map\(index)"
    guard map.usableSize > 0 else {
      throw UIOError(
        .unmappable, device: name, operation: "map memory", cause: "the map has no usable bytes",
        hint: "its driver describes a map of size 0: use another map, or the PCI BAR")
    }
    // The kernel compares whole pages with what addr and size span (fact 34).
    guard map.address % UInt64(page) == 0 else {
      throw UIOOperation.map.error(ENODEV, device: name)
    }
    guard let length = Int(exactly: map.size) else { throw tooLarge(.map, name) }
    let address = unsafe try mapped(.map, file, UInt64(index * page), length, name)
    return unsafe RegisterRegion(
      name: name, mapping: address, length: length, offset: Int(map.offset),
      size: Int(map.usableSize), gate: gate)
  }

  /// Reaches BAR `number` of the PCI function, whatever order or gaps the driver's maps have (fact
  /// 40): memory BARs are mapped, I/O BARs are read and written through sysfs.
  /// - Throws: `noSuchRegion`, `unmappable`, `permissionDenied`, `removed`, `busy`,
  ///   `resourcesExhausted`, `otherProcess`.
  public func region(bar number: Int) throws(UIOError) -> RegisterRegion {
    try requireOwnProcess("open the PCI BAR")
    guard let pci = info.pci else {
      throw UIOError(
        .noSuchRegion, device: description, operation: "open the PCI BAR",
        cause: "the device is not a PCI function",
        hint: "use its maps")
    }
    guard let bar = pci.bars.first(where: { $0.number == number }) else {
      let there = pci.bars.map { "bar\($0.number)" }.joined(separator: ", ")
      throw UIOError(
        .noSuchRegion, device: description, operation: "open the PCI BAR",
        cause: "the function has no BAR \(number)",
        hint: there.isEmpty ? "it has no BARs" : "it has \(there)")
    }
    let name = "\(description) bar\(number)"
    let resource: FileDescriptor
    do throws(SystemError) {
      resource = try FileDescriptor.open("\(info.parentFolder)/resource\(number)", O_RDWR)
    } catch {
      throw UIOOperation.openResource.error(gate.probe() ? error.number : ENODEV, device: name)
    }
    // The path leads through the device's number, which another one may have by now (fact 5). While
    // the node that is open lives it has not.
    guard gate.probe() else { throw UIOOperation.openResource.error(ENODEV, device: name) }
    guard let size = Int(exactly: bar.size) else { throw tooLarge(.mapResource, name) }
    guard bar.kind == .memory else {
      return RegisterRegion(name: name, port: resource, size: size, gate: gate)
    }
    // A BAR smaller than a page starts anywhere in it; the file maps whole pages from the page's
    // start.
    let page = Int(cuio_page_size())
    let offset = Int(bar.address % UInt64(page))
    guard size <= Int.max - 2 * page else { throw tooLarge(.mapResource, name) }
    let length = (offset + size + page - 1) / page * page
    let address = unsafe try mapped(.mapResource, resource, 0, length, name)
    return unsafe RegisterRegion(
      name: name, mapping: address, length: length, offset: offset, size: size, gate: gate)
  }

  private func tooLarge(_ operation: UIOOperation, _ name: String) -> UIOError {
    UIOError(
      .unmappable, device: name, operation: operation.rawValue,
      cause: "it is larger than the address space", hint: "sysfs reports an impossible size")
  }

  private func mapped(
    _ operation: UIOOperation, _ file: FileDescriptor, _ offset: UInt64, _ length: Int,
    _ name: String
  ) throws(UIOError) -> UnsafeMutableRawPointer {
    do throws(SystemError) { try SystemError.inject(.map, name) } catch {
      throw mapError(operation, error.number, name)
    }
    var address: UnsafeMutableRawPointer?
    let result = unsafe cuio_map(file.raw, offset, length, true, &address)
    guard result == 0, let address = unsafe address else {
      throw mapError(operation, -result, name)
    }
    return unsafe address
  }

  private func mapError(_ operation: UIOOperation, _ number: Int32, _ name: String) -> UIOError {
    // Of a device that is there, EINVAL says that whole pages are more than the map (fact 34).
    guard operation == .map, number == EINVAL, gate.probe() else {
      return operation.error(number, device: name)
    }
    return UIOError(
      .unmappable, device: name, operation: operation.rawValue,
      cause: "its driver describes a size that is not a whole number of pages",
      hint: "use the PCI BAR, or have the driver round size up", errno: number)
  }
}

// MARK: Taking over

// A device that an earlier process opened: its descriptor has kept its place in the count, so that
// interrupts in between are neither lost nor reported twice (fact 6).
extension UIODevice {
  /// Takes over the node that an earlier process had open, if it is still that of the device found.
  ///
  /// - Parameters:
  ///   - node: the earlier process' descriptor.
  ///   - counted: the kernel's count up to which interrupts were accounted for, modulo 2^32; nil
  ///     when unknown.
  ///   - info: the device as it is now, found by its stable id.
  ///   - isShared: whether a process that is not trusted has the descriptor's open file, too.
  /// - Returns: nil when the descriptor is of another device, or of an instance of this one that has
  ///   gone. Else the device, and interrupts since `counted` that the earlier process took without
  ///   accounting for them: they will not be read again.
  package static func inherit(
    _ node: FileDescriptor, counted: UInt32?, _ info: UIODeviceInfo, isShared: Bool = false,
    sysfs: Sysfs = .system
  ) -> (device: UIODevice, taken: UInt32)? {
    let number = sysfs.optionalText("\(sysfs.uioClass)/uio\(info.number)/dev")
    guard let own = node.characterDevice, number == "\(own.major):\(own.minor)" else { return nil }
    // Minors are reused (fact 5), open descriptors are not: a live one still has its own device.
    let device = UIODevice(info, node: node, isShared: isShared, sysfs: sysfs)
    return device.continueCounting(from: counted).map { (device, $0) }
  }

  /// Sets the count from which the next read reports interrupts. Returns `taken` as `inherit`
  /// describes it; nil when the device has gone.
  package func continueCounting(from counted: UInt32?) -> UInt32? {
    // The count first: when nothing can be read after that, all that it showed has been read.
    guard let now = try? UIODeviceInfo(number: info.number, sysfs: sysfs),
      now.stableID == info.stableID, gate.probe()
    else { return nil }
    if cuio_wait(file.raw, -1, 0, false) == Int32(CUIO_WAIT_READABLE) {
      // At least one, where it is not known since when.
      total.store(counted ?? now.event &- 1, ordering: .relaxed)
      return 0
    }
    total.store(now.event, ordering: .relaxed)
    return counted.map { now.event &- $0 } ?? 0
  }
}

// MARK: Whether it is there

extension LivenessGate {
  /// A gate that asks the kernel about an open UIO node.
  ///
  /// - Parameters:
  ///   - hasInterrupt: poll(2) always reports a device without interrupt as in error (fact 21), so
  ///     the gate asks it through irqcontrol instead.
  ///   - nanoseconds: how long an answer of the kernel is believed.
  package convenience init(
    device: FileDescriptor, hasInterrupt: Bool, for nanoseconds: UInt64 = 10_000_000
  ) {
    self.init(for: nanoseconds) {
      hasInterrupt ? !Self.isDead(device.raw) : Self.answersWithoutInterrupt(device)
    }
  }

  package static func isDead(_ fd: Int32) -> Bool {
    let result = cuio_wait(fd, -1, 0, true)
    return result > 0 && result & Int32(CUIO_WAIT_DEAD) != 0
  }

  // irqcontrol looks at the device and its interrupt first: torn down EINVAL, no interrupt EIO
  // (fact 16).
  package static func answersWithoutInterrupt(_ device: FileDescriptor) -> Bool {
    device.irqControl(0) == -EIO
  }
}

extension RegisterRegion {
  /// An I/O BAR of a UIO device, reached through its sysfs file.
  package convenience init(
    name: String, port file: FileDescriptor, size: Int, gate: LivenessGate
  ) {
    self.init(name: name, port: file, size: size, gate: gate) {
      UIOOperation.port.error($0, device: name)
    }
  }
}

extension FileDescriptor {
  /// Masks (0) or unmasks (1) a UIO device's line; 0 or -errno. The corresponding C function is
  /// `write`.
  package func irqControl(_ value: Int32) -> Int32 {
    if let number = SystemError.injected?(.irqControl, "") { return -number }
    return cuio_irqcontrol(raw, value)
  }
}
