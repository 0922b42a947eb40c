// Devices room. What the daemon knows of a device that is present, whichever kernel driver has it:
// a UIO device, a PCI function of VFIO's, or one vector of such a function. Service makes it when a
// device comes, DeviceRegistry at the start and for each vector; DeviceOpener and ManagedDevice
// read it. Values read once, nothing is open. Control thread; no lock.
import DeviceIdentity
import LinuxSystem
import UIO
import VFIO

/// A device as the kernel describes it at one moment, under the id that the daemon gives it.
struct ManagedDeviceInfo: Equatable {
  enum Origin: Equatable {
    case uio(UIODeviceInfo)
    /// A function of VFIO's whose vectors are not known: nothing configures it, or it does not open.
    case function(VFIODeviceInfo)
    /// One interrupt of an open function: the kind and the number of a vector.
    case vector(VFIODeviceInfo, VFIOInterrupt, Int)
  }

  let origin: Origin

  init(_ info: UIODeviceInfo) { origin = .uio(info) }
  init(_ function: VFIODeviceInfo) { origin = .function(function) }
  init(_ function: VFIODeviceInfo, _ kind: VFIOInterrupt, _ vector: Int) {
    origin = .vector(function, kind, vector)
  }

  /// The stable id; of a vector `pci-0000:01:00.0/msix3`, of INTx `pci-0000:01:00.0/intx`.
  var id: String {
    switch origin {
    case .uio(let info): info.stableID
    case .function(let function): function.stableID
    case .vector(let function, .intx, _): "\(function.stableID)/intx"
    case .vector(let function, let kind, let vector):
      "\(function.stableID)/\(kind.rawValue)\(vector)"
    }
  }

  var uio: UIODeviceInfo? { if case .uio(let info) = origin { info } else { nil } }

  /// The function of VFIO's that it is, or that it is a vector of.
  var function: VFIODeviceInfo? {
    switch origin {
    case .uio: nil
    case .function(let function), .vector(let function, _, _): function
    }
  }

  var isFunction: Bool { if case .function = origin { true } else { false } }
  var vector: Int? { if case .vector(_, _, let vector) = origin { vector } else { nil } }

  /// Whether it may be a different device from `other`, which had the same id before.
  func isAnother(than other: ManagedDeviceInfo) -> Bool {
    uio?.number != other.uio?.number || function?.pci.address != other.function?.pci.address
  }

  /// N of `/dev/uioN`.
  var number: Int? { uio?.number }
  /// The uio name; devices of VFIO have their driver's.
  var name: String { uio?.name ?? function?.driver ?? "" }
  var driver: String? { uio?.driver ?? function?.driver }
  var pci: PCIFunction? { uio?.pci ?? function?.pci }

  /// The kernel's number of the interrupt, where sysfs has it: a message has another one.
  var irq: Int? {
    if case .vector(_, let kind, _) = origin, kind != .intx { return nil }
    return pci?.irq.flatMap { $0 > 0 ? $0 : nil }
  }

  /// What files match it by. All vectors of a function belong to one file.
  var properties: DeviceProperties {
    DeviceProperties(
      stableID: function?.stableID ?? id, name: name, driver: driver,
      pciDevice: pci.map { "\($0.kind)" })
  }

  /// Whether a client's text means it. A function's names mean a vector if it is the only one.
  func isCalled(_ text: String) -> Bool {
    switch origin {
    case .uio(let info):
      return text == info.stableID || text == "uio\(info.number)" || text == info.path
        || text == info.name || info.isOfKind(text)
    case .function(let function): return function.isCalled(text)
    case .vector(let function, _, _): return function.isCalled(text) || "pci-\(text)" == id
    }
  }

  /// Whether it is what an administrator named on the command line.
  func isNamed(_ id: UIODeviceID, _ sysfs: Sysfs) -> Bool {
    switch origin {
    case .uio(let info): return (try? UIODeviceInfo.find(id, sysfs: sysfs)) == info
    case .function(let function), .vector(let function, _, _):
      switch id {
      case .stable(let text), .path(let text): return function.isCalled(text)
      case .number, .name: return false
      }
    }
  }
}
