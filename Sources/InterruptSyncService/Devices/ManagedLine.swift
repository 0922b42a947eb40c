// Devices room. The line of an open device as the daemon works with it, whichever kernel driver has
// the device. DeviceOpener and VFIOFunctions make it, ManagedDevice connects it, DeviceRegistry
// lets it outlive the process. Control thread; no lock. The dispatcher's thread reads the line's
// memory, not this.
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
  /// The kernel's count up to which it has been read; nil: `OpenedLine.reached` goes on with what is dispatched.
  var kernelCount: UInt32? { get }
  /// Has it count on after the process's end, for the next one.
  func outlive()
  /// Whether it is of this device as it is now, and the device still answers.
  func isOpen(for info: ManagedDeviceInfo) -> Bool
}

extension UIOLine: ManagedLine {
  var rearmName: String { strategy.rawValue }
  /// A PCI line is level-triggered.
  var isLevelTriggered: Bool { strategy == .pciCommand }
  var kernelCount: UInt32? { device.total.load(ordering: .relaxed) }

  /// The kernel counts on in any case.
  func outlive() {}
  func isOpen(for info: ManagedDeviceInfo) -> Bool { info.uio == device.info && device.isAlive }
}

extension VFIOLine: ManagedLine {
  var rearmName: String { device.interrupt == .intx ? "unmask" : "none" }
  var isLevelTriggered: Bool { device.interrupt == .intx }
  /// Only between processes (`readCount`).
  var kernelCount: UInt32? { nil }
  func outlive() { stayArmed() }

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
  /// What the kernel had counted up to then, where the line does not say.
  var reached: UInt32 = 0
  /// True if an earlier process's descriptor continues.
  var isContinued = false
}
