// The driver that the kernel gives a device, changing it, and keeping the change across restarts.
// Writing driver_override and drivers_probe succeeds even when the driver refuses the device, so
// the link `driver` is checked afterwards, and a change that failed is undone. Floor 5;
// GroupBinding and interruptsyncctl's commands bind and unbind call it on the program's one thread,
// without a lock. Needs root, and may wait for modprobe.
package import DeviceIdentity
import Glibc

/// The binding of one device. Changing it takes root.
package struct DriverBinding {
  /// The result of a change.
  package struct Outcome: Equatable, Sendable {
    /// The driver before and after; nil is none.
    package let before: String?
    package let after: String?
  }

  /// What a change that failed puts back.
  struct State {
    let driver: String?
    let override: String?
  }

  package let device: BusDevice
  private let system: BindingSystem
  let folder: String

  package init(_ device: BusDevice, system: BindingSystem = .system) {
    self.device = device
    self.system = system
    folder = "\(system.sysfs.root)/bus/\(device.bus)/devices/\(device.name)"
  }

  /// The driver it is bound to now.
  package var driver: String? { system.sysfs.linkName("\(folder)/driver") }

  /// The driver that alone may take it, when one is set.
  package var override: String? {
    guard let text = system.sysfs.optionalText("\(folder)/driver_override"), !text.isEmpty,
      text != "(null)"
    else { return nil }
    return text
  }

  var state: State { State(driver: driver, override: override) }

  /// The driver to take where none is named. A PCI function without an interrupt pin interrupts by
  /// messages or not at all, and only VFIO has messages.
  package var usualDriver: String {
    guard device.bus == "pci" else { return "uio_pdrv_genirq" }
    // The Interrupt Pin register: 0 is none.
    let configuration = (try? FileDescriptor.contents("\(folder)/config")) ?? []
    return configuration.count > 0x3d && configuration[0x3d] == 0 ? "vfio-pci" : "uio_pci_generic"
  }

  /// The file by which driverctl(8) sets an override for the device at each start, if there is one.
  package var driverctlFile: String? {
    let path = "\(system.root)/etc/driverctl.d/\(device)"
    return unsafe access(path, F_OK) == 0 ? path : nil
  }

  /// Has udev look at the node of the device's IOMMU group again. Its rules give the daemon the groups of devices
  /// whose binding is saved, and the node came before that was (V39).
  package func announceGroup() {
    guard let driver, IOMMUGroupInfo.isVFIO(driver),
      let group = IOMMUGroupInfo(of: folder, sysfs: system.sysfs)
    else { return }
    // Without a node there is nothing to announce.
    try? system.write("\(system.sysfs.root)/class/vfio/\(group.number)/uevent", "change")
  }

  /// Gives the device to a driver, whatever drives it now. When the driver does not take it, the
  /// old one gets it back.
  /// - Parameters:
  ///   - force: also when the device is in use, or VFIO has no IOMMU for it.
  ///   - isSaved: others bind the members of its group at the same time, so theirs are not looked at.
  /// - Throws: `busy` when it or its IOMMU group is in use, `notIsolated` when VFIO has no IOMMU for it,
  ///   `notFound` when there is no such driver, `driverFailed` when the driver does not take the device,
  ///   and what a file of sysfs answers: `permissionDenied`, `readOnly`, `resourcesExhausted`, `removed`,
  ///   `unexpected` and others.
  package func bind(
    to driver: String, force: Bool = false, isSaved: Bool = false
  ) throws(UIOError) -> Outcome {
    try requireUnused(driver, force: force)
    if self.driver != driver, !isSaved { try refuseGroup(driver) }
    return try change(to: driver)
  }

  /// Refuses a device that is in use, and one that VFIO has no IOMMU for (V6): no program could open it.
  /// - Parameter mayForce: whether the caller has a way to bind it all the same.
  func requireUnused(_ driver: String, force: Bool, mayForce: Bool = true) throws(UIOError) {
    guard !force, self.driver != driver else { return }
    try refuseUse("bind to \(driver)", mayForce: mayForce)
    if IOMMUGroupInfo.isVFIO(driver), IOMMUGroupInfo(of: folder, sysfs: system.sysfs) == nil {
      throw refusal(driver, IOMMUGroupInfo.absence)
    }
  }

  /// Gives the device to a driver; when that does not take it, the old one gets it back.
  func change(to driver: String) throws(UIOError) -> Outcome {
    let old = state
    let before = old.driver
    if before == driver, old.override == driver { return Outcome(before: before, after: driver) }
    try requireDriver(driver)
    try write("driver_override", driver + "\n", "bind to \(driver)")
    if before == driver { return Outcome(before: before, after: driver) }
    do throws(UIOError) {
      try release(before, "bind to \(driver)")
      try probe("bind to \(driver)")
    } catch {
      try undo(old, error)
    }
    guard self.driver == driver else {
      let cause = self.driver.map { "\($0) took it instead" } ?? "the driver did not accept it"
      try undo(
        old,
        UIOError(
          .driverFailed, device: "\(device)", operation: "bind to \(driver)", cause: cause,
          hint: Self.refusalHint(driver)))
      return Outcome(before: before, after: before)
    }
    return Outcome(before: before, after: driver)
  }

  /// Takes the device from its driver and lets the kernel choose again.
  /// - Parameter force: also when the device is in use.
  /// - Throws: `busy`, and what a file of sysfs answers, as `bind` does.
  package func unbind(force: Bool = false) throws(UIOError) -> Outcome {
    let before = driver
    if !force { try refuseUse("unbind", mayForce: true) }
    if override != nil { try write("driver_override", "\n", "unbind") }
    try release(before, "unbind")
    try probe("unbind")
    return Outcome(before: before, after: driver)
  }

  private func refuseUse(_ operation: String, mayForce: Bool) throws(UIOError) {
    guard let use = DeviceUse(of: folder, system: system).description else { return }
    throw UIOError(
      .busy, device: "\(device)", operation: operation, cause: use,
      hint: "stop using the device"
        + (mayForce ? ", or give --force if the machine can do without it" : ""))
  }

  /// Refuses a device that would bind and that no program could open then, as the host keeps a part of its
  /// group (V8).
  private func refuseGroup(_ driver: String) throws(UIOError) {
    guard IOMMUGroupInfo.isVFIO(driver), let group = IOMMUGroupInfo(of: folder, sysfs: system.sysfs)
    else { return }
    let others = group.hostsMembers(besides: device.name)
    guard !others.isEmpty else { return }
    throw refusal(driver, IOMMUGroupInfo.sharing(with: others), "; --group binds all of them")
  }

  func refusal(
    _ driver: String, _ meaning: DeviceOperation.Meaning, _ way: String = ""
  ) -> UIOError {
    UIOError(
      meaning.code, device: "\(device)", operation: "bind to \(driver)", cause: meaning.cause,
      hint: meaning.hint + way)
  }

  private static func refusalHint(_ driver: String) -> String {
    let reason =
      switch driver {
      case _ where IOMMUGroupInfo.isVFIO(driver): "\(driver) needs an IOMMU in use for the device"
      case "uio_pci_generic": "\(driver) accepts only devices whose INTx can be disabled"
      case "uio_pdrv_genirq": "\(driver) needs a device tree's node or platform data"
      default: "check that it is a driver for such a device"
      }
    return "dmesg may say why; \(reason)"
  }

  private func requireDriver(_ driver: String) throws(UIOError) {
    let path = "\(system.sysfs.root)/bus/\(device.bus)/drivers/\(driver)"
    if !driver.isEmpty, !driver.contains("/"), driver != "..",
      unsafe access(path, F_OK) == 0 || (system.loadModule(driver) && access(path, F_OK) == 0)
    {
      return
    }
    throw UIOError(
      .notFound, device: "\(device)", operation: "bind to \(driver)",
      cause: "the bus \(device.bus) has no driver \"\(driver)\", and no module provides it",
      hint: device.bus == "pci"
        ? "uio_pci_generic is the generic driver; modprobe must find it" : "check the spelling")
  }

  private func release(_ driver: String?, _ operation: String) throws(UIOError) {
    guard driver != nil else { return }
    try write("driver/unbind", device.name, operation)
    // A driver that refuses stays.
    guard self.driver == nil else {
      throw UIOError(
        .busy, device: "\(device)", operation: operation,
        cause: "\(driver ?? "") does not release the device",
        hint: "stop what uses the device; the kernel's log may say why")
    }
    // Before the next driver has it. udev does it, too, but later.
    try PCIFileRights(folder: folder, sysfs: system.sysfs, rights: system.rights).settle()
  }

  private func probe(_ operation: String) throws(UIOError) {
    let path = "\(system.sysfs.root)/bus/\(device.bus)/drivers_probe"
    do throws(SystemError) { try system.write(path, device.name) } catch {
      // A driver that was asked and failed: the link tells.
      if error.number == EINVAL || error.number == ENODEV { return }
      throw failure(error, path, operation)
    }
  }

  /// Puts the device back as far as possible; whether it has its driver again.
  func restore(_ old: State) -> Bool {
    try? write("driver_override", (old.override ?? "") + "\n", "undo")
    if driver != nil, driver != old.driver { try? release(driver, "undo") }
    if driver != old.driver { try? probe("undo") }
    return driver == old.driver
  }

  private func undo(_ old: State, _ failure: UIOError) throws(UIOError) {
    let isBack = restore(old)
    let (driver, back) = (old.driver, self.driver)
    let word =
      driver.map { "\($0) drives the device again" } ?? "the device has no driver, as before"
    throw UIOError(
      failure.code, device: failure.device, operation: failure.operation,
      cause: failure.cause + "; "
        + (isBack
          ? word
          : "\(driver ?? "no driver") no longer drives it, and \(back ?? "no driver") drives it now"),
      hint: failure.hint, errno: failure.errorNumber)
  }

  private func write(
    _ attribute: String, _ text: String, _ operation: String
  ) throws(UIOError) {
    let path = "\(folder)/\(attribute)"
    do throws(SystemError) { try system.write(path, text) } catch {
      throw failure(error, path, operation)
    }
  }

  private func failure(_ error: SystemError, _ path: String, _ operation: String) -> UIOError {
    if error.number == ENOENT, path.hasSuffix("driver_override") {
      return UIOError(
        .unexpected, device: "\(device)", operation: operation,
        cause: "the bus \(device.bus) has no driver_override",
        hint: "bind devices of a bus that has one, such as pci or platform", errno: error.number)
    }
    return UIOError(
      error, device: "\(device)", operation: operation, cause: "\(path) cannot be written")
  }
}

// MARK: Keeping it

/// The binding of a device that is kept over restarts of the machine.
package struct SavedBinding {
  package let device: String
  private let root: String

  /// - Parameter device: `BUS-NAME`; the device need not be there.
  /// - Throws: `malformed` for what is no such name.
  package init(_ device: String, root: String = "") throws(UIOError) {
    guard device.contains("-"), !device.contains("/"), !device.hasPrefix(".") else {
      throw UIOError(
        .malformed, device: device, operation: "find a saved binding",
        cause: "not a device on a bus",
        hint: "write BUS-NAME, with the bus and the name that /sys/bus/BUS/devices has")
    }
    self.device = device
    self.root = root
  }

  private var folder: String { "\(root)/etc/interruptsync/bind.d" }
  /// Where it is kept.
  package var path: String { "\(folder)/\(device)" }

  /// The driver; nil when none is saved.
  package var driver: String? {
    guard let text = try? FileDescriptor.wholeText(path) else { return nil }
    let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") && !$0.hasPrefix("[") }
    guard let line = lines.first(where: { $0.hasPrefix("Driver=") }) else { return nil }
    return String(line.dropFirst("Driver=".count))
  }

  /// Keeps a driver, in place of any other.
  /// - Throws: `permissionDenied`, `readOnly`, `resourcesExhausted`, `unexpected` and others.
  package func save(driver: String) throws(UIOError) {
    do throws(SystemError) {
      for part in ["\(root)/etc/interruptsync", folder] {
        if unsafe mkdir(part, 0o755) != 0, errno != EEXIST { throw SystemError(errno) }
      }
      try FileDescriptor.replace(
        path,
        with: "# Written by interruptsyncctl bind --persist; unbind --persist removes it.\n"
          + "[Binding]\nDriver=\(driver)\n")
    } catch { throw failure(error, "save the binding") }
  }

  /// Forgets it.
  /// - Returns: whether there was one.
  /// - Throws: as `save` does.
  package func remove() throws(UIOError) -> Bool {
    if unsafe unlink(path) == 0 { return true }
    if errno == ENOENT { return false }
    throw failure(SystemError(errno), "forget the binding")
  }

  private func failure(_ error: SystemError, _ operation: String) -> UIOError {
    UIOError(error, device: device, operation: operation, cause: "\(path) cannot be changed")
  }
}

extension UIOError {
  /// A file that could not be written.
  package init(_ failure: SystemError, device: String, operation: String, cause: String) {
    let meaning = FileFailure(failure.number)
    let code: Code =
      switch meaning.kind {
      case .denied: .permissionDenied
      case .readOnly: .readOnly
      case .exhausted: .resourcesExhausted
      case .absent: .notFound
      case .busy: .busy
      case .gone: .removed
      case .malformed: .malformed
      case .failed: .driverFailed
      case .undocumented: .unexpected
      }
    self.init(
      code, device: device, operation: operation, cause: "\(cause): \(meaning.cause)",
      hint: meaning.hint, errno: failure.number)
  }
}
