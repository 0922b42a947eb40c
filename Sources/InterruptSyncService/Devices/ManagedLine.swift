// Devices room. The line of an open device as the daemon works with it, whichever kernel driver has the device.
// Control thread; no lock.
import InterruptSync
import Synchronization
import UIO
import VFIO

/// A line that the daemon has open.
protocol ManagedLine: InterruptSource {
  /// How it is unmasked after service, as clients are told.
  var rearmName: String { get }
  /// Whether it fires without end unless a routine silences the device.
  var isLevelTriggered: Bool { get }
  /// The kernel's count, for lines that have one.
  var kernelCount: UInt32 { get }
  /// Whether it is of this device as it is now, and the device still answers.
  func isOpen(for info: ManagedDeviceInfo) -> Bool
}

extension UIOLine: ManagedLine {
  var rearmName: String { strategy.rawValue }
  /// A PCI line is level-triggered.
  var isLevelTriggered: Bool { strategy == .pciCommand }
  var kernelCount: UInt32 { device.total.load(ordering: .relaxed) }

  func isOpen(for info: ManagedDeviceInfo) -> Bool { info.uio == device.info && device.isAlive }
}

extension VFIOLine: ManagedLine {
  var rearmName: String { device.interrupt == .intx ? "unmask" : "none" }
  var isLevelTriggered: Bool { device.interrupt == .intx }
  /// An eventfd counts what came since the last read alone.
  var kernelCount: UInt32 { 0 }

  func isOpen(for info: ManagedDeviceInfo) -> Bool {
    info.function?.pci.address == device.address && device.isAlive
  }
}

/// A line that was opened, with what belongs to its device.
struct OpenedLine {
  let line: any ManagedLine
  let regions: DeviceRegions
  /// Interrupts that an earlier process took and did not account for.
  var taken: UInt32 = 0
  /// True if an earlier process's descriptor continues.
  var isContinued = false
}
