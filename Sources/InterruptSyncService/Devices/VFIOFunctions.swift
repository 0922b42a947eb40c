// Devices room. The functions of VFIO that the daemon has open. Control thread; no lock. Reports of a function come
// from a thread of the library's.
import DeviceIdentity
import Glibc
import LinuxSystem
import UIO
import VFIO

/// What a function of VFIO's reports beside its lines, on its way to the control thread.
struct FunctionReport: Sendable {
  /// Its stable id.
  let function: String
  let report: VFIOReport
}

/// The functions of VFIO that are open: one device each, which all lines of its vectors share. It is closed with the
/// last of them.
final class VFIOFunctions {
  /// An open function, and its registers.
  struct Opened {
    let device: VFIODevice
    let regions: DeviceRegions

    init(_ device: VFIODevice, _ regions: DeviceRegions) {
      self.device = device
      self.regions = regions
    }
  }

  private struct Entry {
    weak var device: VFIODevice?
    weak var regions: DeviceRegions?
  }

  private let kernel: any VFIOKernel
  private let sysfs: Sysfs
  private let report: @Sendable (FunctionReport) -> Void
  private var opened: [PCIAddress: Entry] = [:]

  /// - Parameters:
  ///   - kernel: tests pass their own.
  ///   - report: called from a thread of the library's.
  init(
    kernel: any VFIOKernel = SystemVFIO(), sysfs: Sysfs = .system,
    report: @escaping @Sendable (FunctionReport) -> Void
  ) {
    self.kernel = kernel
    self.sysfs = sysfs
    self.report = report
  }

  /// Opens a function, or finds it open already. It stays open for as long as the result, or a line or a region of
  /// it.
  /// - Throws: what opening throws; `busy` while lines of another kind of interrupt are in use.
  func open(
    _ function: VFIODeviceInfo, _ settings: DeviceSettings
  ) throws(UIOError) -> Opened {
    let address = function.pci.address
    if let known = opened[address], let device = known.device, device.isAlive {
      guard settings.interrupt == nil || settings.interrupt == device.interrupt else {
        throw UIOError(
          .busy, device: function.stableID, operation: "open",
          cause: "its lines of \(device.interrupt.rawValue) are in use",
          hint: "disconnect them and connect again", errno: EBUSY)
      }
      return Opened(device, known.regions ?? remember(device))
    }
    let id = function.stableID
    let report = report
    let device = try VFIODevice(address, settings.interrupt, sysfs, kernel) {
      report(FunctionReport(function: id, report: $0))
    }
    return Opened(device, remember(device))
  }

  private func remember(_ device: VFIODevice) -> DeviceRegions {
    let regions = DeviceRegions(device)
    opened[device.address] = Entry(device: device, regions: regions)
    return regions
  }

  /// Opens the line of a vector, with bus mastering as its file says. Messages turn it on in any case when they are
  /// connected (V20).
  /// - Throws: also `noInterrupt` where the function has no such vector.
  func line(
    _ function: VFIODeviceInfo, _ vector: Int, _ settings: DeviceSettings
  ) throws(UIOError) -> OpenedLine {
    let opened = try open(function, settings)
    let line = try VFIOLine(opened.device, vector: vector)
    if settings.isBusMaster { try opened.device.setBusMaster(true) }
    return OpenedLine(line: line, regions: opened.regions)
  }
}
