// How many messages of a vector the kernel has counted, so that a process that goes on with a
// vector knows what an earlier one read and did not write down. Floor 3; the daemon's VFIOFunctions
// asks on the control thread, before an object connects, without a lock. It reads sysfs and drains
// the eventfd, whose count it gives back.
import DeviceIdentity
import Glibc
package import LinuxSystem

extension VFIOLine {
  /// The messages that were read from `event` since the device was opened, in whatever process: what the kernel
  /// counted, less what is still in `event`. Nil for INTx, whose line others may share, and where sysfs does not say.
  package func readCount(_ sysfs: Sysfs = .system) -> UInt32? {
    guard device.interrupt != .intx else { return nil }
    var unread: UInt64 = 0
    defer { if unread > 0 { _ = unsafe Glibc.write(event.raw, &unread, 8) } }
    // Messages may come all the while: both numbers are of one moment once none came between.
    for _ in 0..<100 {
      unread += drained()
      guard let counted = kernelCount(sysfs) else { return nil }
      let more = drained()
      if more == 0 { return counted &- UInt32(truncatingIfNeeded: unread) }
      unread += more
    }
    return nil
  }

  private func drained() -> UInt64 {
    var count: UInt64 = 0
    return unsafe read(event.raw, &count, 8) == 8 ? count : 0
  }

  /// On all processors, modulo 2^32. From sysfs, as the service does not see `/proc/interrupts`.
  private func kernelCount(_ sysfs: Sysfs) -> UInt32? {
    let numbers = sysfs.list("\(sysfs.root)/bus/pci/devices/\(device.address)/msi_irqs")
    let folders = numbers.map { "\(sysfs.root)/kernel/irq/\($0)" }
    let own = folders.first { sysfs.optionalText("\($0)/actions") == actionName }
    guard let text = own.flatMap({ sysfs.optionalText("\($0)/per_cpu_count") }) else { return nil }
    return text.split(separator: ",").compactMap { UInt32($0) }.reduce(0, &+)
  }
}
