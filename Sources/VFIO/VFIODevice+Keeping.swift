// An open function that goes on in the next process: what is handed on, and the check of what was.
// Floor 3. The daemon's VFIOFunctions asks for the descriptors on the control thread, and enables
// the vectors on `vfio-opener`, where VFIODevice checks what it takes over. No lock is held;
// enabling takes the monitor of VFIOVectors.
import CUIO
import DeviceIdentity
import Glibc
import LinuxSystem

extension VFIODevice {
  /// What the next process needs, and a line's `event` for each vector. Enable the vectors first.
  package var descriptors: VFIODescriptors {
    VFIODescriptors(
      device: file, group: membership.group.file, container: membership.group.container,
      enabled: interrupt)
  }

  /// Enables the vectors of messages, all of them without an eventfd, before the first line is armed.
  /// - Throws: `resourcesExhausted`, `removed`.
  package func enableVectors() throws(UIOError) { try vectors.enable() }

  /// Refuses a descriptor that is another function's.
  /// - Throws: `removed`.
  static func requireFunction(
    _ address: PCIAddress, _ sysfs: Sysfs, _ file: FileDescriptor, _ configuration: UInt64
  ) throws(UIOError) {
    let info = PCIFunction(
      sysfs: sysfs, folder: "\(sysfs.root)/bus/pci/devices/\(address)", address: address)
    var identity: UInt32 = 0
    let result = unsafe cuio_port_read(file.raw, configuration, 4, &identity)
    guard result == 0, let info, identity == UInt32(info.device) << 16 | UInt32(info.vendor) else {
      throw UIOError(
        .removed, device: "pci-\(address)", operation: "take over the device",
        cause: "the descriptor of an earlier process is not the device's",
        hint: "open the device by its address", errno: ENODEV)
    }
  }
}
