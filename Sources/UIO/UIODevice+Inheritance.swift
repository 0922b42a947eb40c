// A device that an earlier process opened: its descriptor has kept its place in the count, so that
// what came in between is neither lost nor told twice (fact 6).
import CUIO
import Synchronization

extension UIODevice {
  /// Takes over the node that an earlier process had open, if it is still that of the device found.
  ///
  /// - Parameters:
  ///   - node: the earlier process' descriptor.
  ///   - counted: the kernel's count up to which interrupts were accounted for, modulo 2^32; nil
  ///     where nobody knows.
  ///   - info: the device as it is now, found by its stable id.
  /// - Returns: nil when the descriptor is of another device, or of an instance of this one that has
  ///   gone. Else the device, and interrupts since `counted` that the earlier process took without
  ///   accounting for them: they will not be read again.
  package static func inherit(
    _ node: FileDescriptor, counted: UInt32?, _ info: UIODeviceInfo, sysfs: Sysfs = .system
  ) -> (device: UIODevice, taken: UInt32)? {
    let number = sysfs.optionalText("\(sysfs.uioClass)/uio\(info.number)/dev")
    guard let own = node.characterDevice, number == "\(own.major):\(own.minor)" else { return nil }
    // Minors are given anew (fact 5), descriptors are not: one that is alive still has its own.
    let device = UIODevice(info, node: node, sysfs: sysfs)
    return device.continueCounting(from: counted).map { (device, $0) }
  }

  /// Sets the count from which the next read is told. What `inherit` says of `taken`; nil when the
  /// device has gone.
  package func continueCounting(from counted: UInt32?) -> UInt32? {
    // The count first: when nothing is to be read behind that, what it showed has been read.
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
