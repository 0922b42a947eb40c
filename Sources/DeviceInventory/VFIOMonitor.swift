// PCI functions that vfio-pci gets and gives away, through libudev. Floor 5; the daemon's Service
// makes and reads one, on the control thread alone. It never waits and takes no lock.
package import DeviceIdentity

/// A function came to a driver of VFIO, or left it.
package enum VFIOEvent: Equatable, Sendable {
  /// Its node has the rights that udev gives it. May be said again of a function that is there.
  case added(VFIODeviceInfo)
  case removed(PCIAddress)
}

/// Watches for functions of VFIO's drivers. Make it first and list them then (`VFIODeviceInfo.all`).
package final class VFIOMonitor {
  private let monitor: UdevMonitor
  private var changes: VFIOChanges

  /// - Throws: `resourcesExhausted`.
  package init(sysfs: Sysfs = .system) throws(UIOError) {
    monitor = try UdevMonitor(["vfio", "pci"])
    changes = VFIOChanges(sysfs)
  }

  /// Becomes readable when there is something to receive.
  package var descriptor: Int32 { monitor.descriptor }

  /// Everything that happened since the last call, in order. Never waits. After lost messages it compares
  /// with the functions that exist now.
  package func receive() -> [VFIOEvent] {
    var events: [VFIOEvent] = []
    monitor.receive { message in
      events += message.map { changes.take($0) } ?? changes.reconcile()
    }
    return events
  }
}

/// What messages of the subsystems `vfio` and `pci` mean for functions.
struct VFIOChanges {
  private let sysfs: Sysfs
  /// Those that were reported as present.
  private var known: [PCIAddress: VFIODeviceInfo]

  init(_ sysfs: Sysfs) {
    self.sysfs = sysfs
    known = Self.present(sysfs)
  }

  mutating func take(_ message: UdevMessage) -> [VFIOEvent] {
    switch (message.subsystem, message.action) {
    // The node of a group, which comes with its first function and goes with its last. Only now has it
    // the rights that udev gives it (V39).
    case ("vfio", "remove"): lost { $0.group.map { "\($0.number)" } == message.name }
    case ("vfio", _): found { $0.group.map { "\($0.number)" } == message.name }
    // Further functions of a group whose node is there.
    case ("pci", "bind"):
      found { [known] info in
        "\(info.pci.address)" == message.name
          && known.values.contains { $0.group?.number == info.group?.number }
      }
    // It may have it again by now: then the node has been away, too.
    case ("pci", "unbind"), ("pci", "remove"):
      lost { [present = Self.present(sysfs)] info in
        "\(info.pci.address)" == message.name && present[info.pci.address] == nil
      }
    default: []
    }
  }

  private mutating func found(_ isMeant: (VFIODeviceInfo) -> Bool) -> [VFIOEvent] {
    let found = VFIODeviceInfo.all(sysfs).filter(isMeant)
    for info in found { known[info.pci.address] = info }
    return found.map { .added($0) }
  }

  private mutating func lost(_ isMeant: (VFIODeviceInfo) -> Bool) -> [VFIOEvent] {
    let lost = known.values.filter(isMeant).map(\.pci.address)
    for address in lost { known[address] = nil }
    return lost.sorted { "\($0)" < "\($1)" }.map { .removed($0) }
  }

  /// The difference to the functions that exist now.
  mutating func reconcile() -> [VFIOEvent] {
    let now = Self.present(sysfs)
    let lost = lost { now[$0.pci.address] == nil }
    return lost + found { [known] info in known[info.pci.address] == nil }
  }

  private static func present(_ sysfs: Sysfs) -> [PCIAddress: VFIODeviceInfo] {
    Dictionary(VFIODeviceInfo.all(sysfs).map { ($0.pci.address, $0) }) { first, _ in first }
  }
}
