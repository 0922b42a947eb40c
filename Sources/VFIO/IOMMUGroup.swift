// The way to a device's descriptor: the IOMMU group of its function, and the container that has the
// IOMMU. Only this file differs where a kernel offers IOMMUFD instead (V2). Floor 3. VFIODevice
// opens and leaves: on a program's thread, on `vfio-opener` in the daemon, or on `vfio notices`,
// never with an interrupt lock held. One monitor orders them, also while the kernel opens; nothing
// is called back with it held.
import CVFIO
import DeviceIdentity
import Glibc
import LinuxSystem

/// A group that this process has open: once, however many of its devices (V8).
final class IOMMUGroup: @unchecked Sendable {
  let number: Int
  /// What its devices reach.
  let memory: DMASpace
  let container: FileDescriptor
  let file: FileDescriptor
  /// Takes the place of the files when the last device is closed.
  private let ended: FileDescriptor
  private let path: String
  /// Guarded by the monitor of `IOMMUGroup.opening`.
  private var members = 0

  /// The groups that this process has open.
  private final class Opening: @unchecked Sendable {
    let monitor = Monitor()
    /// By path. Guarded by `monitor`.
    var groups: [String: IOMMUGroup] = [:]
  }

  private static let opening = Opening()

  private init(
    _ number: Int, path: String, file: FileDescriptor, container: FileDescriptor,
    ended: FileDescriptor, _ kernel: any VFIOKernel
  ) {
    self.number = number
    self.path = path
    self.file = file
    self.container = container
    memory = DMASpace(container, kernel)
    self.ended = ended
  }

  /// Opens a function in its group. The descriptor's close leaves the group, unless `leave` did.
  /// - Parameters:
  ///   - kept: goes on with what an earlier process had open.
  ///   - closing: runs the close, which may wait.
  /// - Throws: `notFound`, `notIsolated`, `busy`, `permissionDenied`, `resourcesExhausted`.
  static func openDevice(
    _ address: PCIAddress, _ sysfs: Sysfs, _ kernel: any VFIOKernel, _ kept: VFIODescriptors? = nil,
    closing: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void
  ) throws(UIOError) -> (device: FileDescriptor, membership: Membership) {
    let info = try Self.info(of: address, sysfs)
    return try opening.monitor.locked { () throws(UIOError) in
      let path = "\(sysfs.devices)/vfio/\(info.number)"
      let group: IOMMUGroup
      // A forked child has its parent's in memory, and not the right to use them.
      if let known = opening.groups[path], known.owner.isCurrent {
        group = known
      } else {
        group = try make(info, path, address, sysfs, kernel, kept)
      }
      let raw =
        kept.map { copy($0.device) } ?? kernel.openDevice("\(address)", in: group.file)
      guard raw >= 0 else { throw VFIOOperation.openDevice.error(-raw, device: name(address)) }
      opening.groups[path] = group
      group.members += 1
      let membership = Membership(group)
      let device = FileDescriptor(adopting: raw) { raw in
        closing {
          close(raw)
          membership.leave()
        }
      }
      return (device, membership)
    }
  }

  private let owner = ProcessOwner()

  private static func name(_ address: PCIAddress) -> String { "pci-\(address)" }

  private static func info(of address: PCIAddress, _ sysfs: Sysfs) throws(UIOError)
    -> IOMMUGroupInfo
  {
    let folder = "\(sysfs.root)/bus/pci/devices/\(address)"
    guard sysfs.optionalText("\(folder)/vendor") != nil else {
      throw UIOError(
        .notFound, device: name(address), operation: "open", cause: "there is no such PCI function",
        hint: "lspci -D lists them", errno: ENOENT)
    }
    guard let group = IOMMUGroupInfo(of: folder, sysfs: sysfs) else {
      throw VFIOOperation.openGroup.error(IOMMUGroupInfo.absence, ENOENT, device: name(address))
    }
    let driver = sysfs.linkName("\(folder)/driver")
    guard driver == "vfio-pci" else {
      throw UIOError(
        .notFound, device: name(address), operation: "open",
        cause: "its driver is \(driver ?? "none") and not vfio-pci",
        hint: "bind it: interruptsyncctl bind \(address) --driver vfio-pci", errno: ENODEV)
    }
    return group
  }

  /// A descriptor or -errno.
  private static func copy(_ file: FileDescriptor) -> Int32 {
    let copy = fcntl(file.raw, F_DUPFD_CLOEXEC, 3)
    return copy < 0 ? -errno : copy
  }

  private static func make(
    _ info: IOMMUGroupInfo, _ path: String, _ address: PCIAddress, _ sysfs: Sysfs,
    _ kernel: any VFIOKernel, _ kept: VFIODescriptors?
  ) throws(UIOError) -> IOMMUGroup {
    let device = name(address)
    let container: FileDescriptor
    let group: FileDescriptor
    if let kept {
      (container, group) = (kept.container, kept.group)
    } else {
      container = try file("\(sysfs.devices)/vfio/vfio", .openContainer, device)
      group = try file(path, .openGroup, device)
      try set(group, info, container, address, kernel)
    }
    let ended: FileDescriptor
    do throws(SystemError) { ended = try .ended() } catch {
      throw VFIOOperation.openGroup.error(error.number, device: device)
    }
    return IOMMUGroup(
      info.number, path: path, file: group, container: container, ended: ended, kernel)
  }

  /// Puts a group that was just opened into a container with the IOMMU.
  private static func set(
    _ group: FileDescriptor, _ info: IOMMUGroupInfo, _ container: FileDescriptor,
    _ address: PCIAddress, _ kernel: any VFIOKernel
  ) throws(UIOError) {
    let device = name(address)
    switch kernel.isViable(group) {
    case 1: break
    case 0:
      let others = info.hostsMembers(besides: "\(address)")
      throw VFIOOperation.checkGroup.error(
        IOMMUGroupInfo.sharing(with: others), EBUSY, device: device)
    case let result: throw VFIOOperation.checkGroup.error(-result, device: device)
    }
    try check(kernel.join(group, container), .join, device)
    try check(kernel.useIOMMU(container), .useIOMMU, device)
  }

  private static func file(
    _ path: String, _ operation: VFIOOperation, _ device: String
  ) throws(UIOError) -> FileDescriptor {
    do throws(SystemError) { return try FileDescriptor.open(path, O_RDWR) } catch {
      throw operation.error(error.number, device: device)
    }
  }

  private static func check(
    _ result: Int32, _ operation: VFIOOperation, _ device: String
  ) throws(UIOError) {
    if result < 0 { throw operation.error(-result, device: device) }
  }

  /// One open device of a group.
  final class Membership: @unchecked Sendable {
    let group: IOMMUGroup
    /// Guarded by the monitor of `IOMMUGroup.opening`.
    private var hasLeft = false

    init(_ group: IOMMUGroup) { self.group = group }

    /// After the device's close. The last one closes the group at once, so that it can be opened
    /// again. Any thread; a second call does nothing.
    func leave() {
      IOMMUGroup.opening.monitor.locked {
        guard !hasLeft else { return }
        hasLeft = true
        group.members -= 1
        guard group.members == 0 else { return }
        if IOMMUGroup.opening.groups[group.path] === group {
          IOMMUGroup.opening.groups[group.path] = nil
        }
        group.file.become(group.ended)
        group.container.become(group.ended)
      }
    }
  }
}
