// The drivers of all functions of an IOMMU group, which goes to one user as a whole (V8): bind
// checks all of them before it changes the first, and gives all their drivers back when one fails.
// Floor 5; interruptsyncctl's command bind calls it on the program's one thread, as root; no lock.
package import DeviceIdentity

/// The bindings of the functions of a device's IOMMU group.
package struct GroupBinding {
  /// The device itself first, then the others by name: without bridges, which VFIO leaves to the host, and
  /// without functions that a driver has that leaves the group to VFIO.
  package let members: [DriverBinding]
  private let group: IOMMUGroupInfo
  private let system: BindingSystem

  /// - Throws: `notIsolated` when no IOMMU is in use for the device.
  package init(
    of device: BusDevice, to driver: String, system: BindingSystem = .system
  ) throws(UIOError) {
    let first = DriverBinding(device, system: system)
    guard let group = IOMMUGroupInfo(of: first.folder, sysfs: system.sysfs) else {
      throw first.refusal(driver, IOMMUGroupInfo.absence)
    }
    self.group = group
    self.system = system
    let others = group.members.filter {
      $0.name != device.name && ($0.driver == nil || $0.isHosts) && !Self.isBridge($0.name, system)
    }
    members =
      [first]
      + others.compactMap { try? BusDevice("pci-\($0.name)", sysfs: system.sysfs) }.map {
        DriverBinding($0, system: system)
      }
  }

  /// A function whose class is PCI-to-PCI bridge.
  private static func isBridge(_ name: String, _ system: BindingSystem) -> Bool {
    let path = "\(system.sysfs.root)/bus/pci/devices/\(name)/class"
    return system.sysfs.optionalText(path)?.hasPrefix("0x0604") == true
  }

  /// Gives all members to a driver of VFIO, whatever drives them now.
  /// - Parameter force: also when the device itself is in use. Never when another member is.
  /// - Returns: the change of each member.
  /// - Throws: as a bind of each member. Then all have their drivers again, or the error says which have not.
  package func bind(
    to driver: String, force: Bool = false
  ) throws(UIOError) -> [(device: BusDevice, outcome: DriverBinding.Outcome)] {
    for (index, member) in members.enumerated() {
      try member.requireUnused(driver, force: force && index == 0, mayForce: index == 0)
    }
    // Members that are not on PCI.
    let names = Set(members.map(\.device.name))
    let others = group.members.filter {
      $0.isHosts && !names.contains($0.name) && !Self.isBridge($0.name, system)
    }
    guard others.isEmpty else {
      throw members[0].refusal(driver, IOMMUGroupInfo.sharing(with: others))
    }
    var changed: [(DriverBinding, DriverBinding.State)] = []
    var outcomes: [(device: BusDevice, outcome: DriverBinding.Outcome)] = []
    for member in members {
      let before = member.state
      do throws(UIOError) { outcomes.append((member.device, try member.change(to: driver))) } catch
      {
        throw Self.undo(changed, error)
      }
      changed.append((member, before))
    }
    return outcomes
  }

  /// The last one first, as the others may depend on the first.
  private static func undo(
    _ changed: [(DriverBinding, DriverBinding.State)], _ failure: UIOError
  ) -> UIOError {
    let lost = changed.reversed().filter { !$0.restore($1) }.map { "\($0.0.device)" }
    guard !changed.isEmpty else { return failure }
    let rest =
      lost.isEmpty
      ? "the other members of its IOMMU group are as before"
      : "\(lost.joined(separator: ", ")) did not get the old driver back"
    return UIOError(
      failure.code, device: failure.device, operation: failure.operation,
      cause: "\(failure.cause); \(rest)", hint: failure.hint, errno: failure.errorNumber)
  }
}
