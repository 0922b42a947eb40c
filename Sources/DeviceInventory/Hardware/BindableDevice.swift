// The devices that `bind` could give to a UIO driver or to vfio-pci, and what taking each would stop:
// PCI functions except bridges, and the platform devices that firmware describes. Floor 5; reads sysfs
// and /proc on the caller's thread, without a lock.
import DeviceIdentity
import Glibc

/// A device that could be bound, at one moment.
package struct BindableDevice: Equatable, Sendable {
  /// The consequence for the machine if the device gets another driver.
  package enum Taking: Equatable, Sendable {
    /// A driver of UIO or VFIO has it already.
    case done
    /// No driver has it.
    case free
    /// A driver of the host has it and would lose it, together with what it makes of it: `eth0`.
    case stops(driver: String, losing: [String])
    /// The machine depends on it, so that `bind` refuses.
    case refused(use: String)
  }

  package let device: BusDevice
  /// `1234:11e8`; of a platform device the name that firmware gives its kind.
  package let kind: String?
  /// `Ethernet controller`; nil off PCI.
  package let className: String?
  /// Vendor and device; nil where pci.ids has none.
  package let name: String?
  package let driver: String?
  package let taking: Taking

  /// All of them, PCI first, by name.
  package static func all(_ system: BindingSystem = .system) -> [BindableDevice] {
    let functions = devices(on: "pci", system).compactMap { Function($0, system.sysfs) }
      .filter { !$0.isBridge }
    let names = PCINames(of: Set(functions.map(\.kind)), root: system.root)
    return functions.map { BindableDevice($0, names, system) }
      + devices(on: "platform", system).compactMap { BindableDevice(platform: $0, system) }
  }

  private static func devices(on bus: String, _ system: BindingSystem) -> [BusDevice] {
    system.sysfs.list("\(system.sysfs.root)/bus/\(bus)/devices").sorted().compactMap {
      try? BusDevice("\(bus)-\($0)", sysfs: system.sysfs)
    }
  }

  private init(_ function: Function, _ names: PCINames, _ system: BindingSystem) {
    let binding = DriverBinding(function.device, system: system)
    device = function.device
    kind = "\(function.kind)"
    className = names.name(ofClass: function.code)
    name = names.name(of: function.kind)
    driver = binding.driver
    taking = Self.taking(binding, system)
  }

  /// Nil for a device that no firmware describes: uio_pdrv_genirq would find no resources of it.
  private init?(platform device: BusDevice, _ system: BindingSystem) {
    let binding = DriverBinding(device, system: system)
    let kind = Self.firmwareKind(binding.folder, system.sysfs)
    guard kind != nil || binding.driver.map(Self.isUserSpace) == true else { return nil }
    self.device = device
    self.kind = kind
    className = nil
    name = nil
    driver = binding.driver
    taking = Self.taking(binding, system)
  }

  /// The first name of `compatible` in the device tree, or the id in ACPI.
  private static func firmwareKind(_ folder: String, _ sysfs: Sysfs) -> String? {
    if let names = sysfs.optionalText("\(folder)/of_node/compatible") {
      return names.split(separator: "\0").first.map(String.init)
    }
    return sysfs.optionalText("\(folder)/firmware_node/hid")
  }

  private static func taking(_ binding: DriverBinding, _ system: BindingSystem) -> Taking {
    guard let driver = binding.driver else { return .free }
    if isUserSpace(driver) { return .done }
    let use = DeviceUse(of: binding.folder, system: system)
    if let reason = use.description { return .refused(use: reason) }
    return .stops(driver: driver, losing: use.interfaces)
  }

  private static func isUserSpace(_ driver: String) -> Bool {
    IOMMUGroupInfo.isVFIO(driver) || driver.hasPrefix("uio")
  }

  /// A PCI function, as far as the list needs it.
  private struct Function {
    let device: BusDevice
    let kind: PCIKind
    /// Class and subclass.
    let code: UInt16

    init?(_ device: BusDevice, _ sysfs: Sysfs) {
      let folder = "\(sysfs.root)/bus/pci/devices/\(device.name)"
      guard let kind = PCIKind(folder: folder, sysfs) else { return nil }
      self.device = device
      self.kind = kind
      let number = sysfs.optionalText("\(folder)/class").flatMap {
        NumberParsing.parse($0, as: UInt32.self)
      }
      // The lowest byte is the programming interface.
      code = UInt16(truncatingIfNeeded: (number ?? 0) >> 8)
    }

    var isBridge: Bool { code >> 8 == 0x06 }
  }
}
