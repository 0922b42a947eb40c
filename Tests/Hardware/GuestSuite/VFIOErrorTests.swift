// What VFIO's calls answer when they fail, on the kernel itself, and what the library makes of it (V6 to
// V9, V29, V39).
import CVFIO
import Glibc
import InterruptSync
import LinuxSystem
import UIO
import VFIO

enum VFIOErrorTests {
  static let cases = [
    Case("V29_openingErrorsAreTyped", opening),
    Case("V29_everyStepOfTheOpeningHasItsErrno", steps),
    Case("V29_interruptCallsHaveTheirErrnos", interrupts),
    Case("V8_groupSharedWithADriverOfTheHostNamesIt", sharedGroup),
    Case("V8_bindGivesAWholeGroupToVFIO", wholeGroup),
  ]

  private static func opening() throws {
    try Guest.bindVFIO(Guest.rocker)
    let id = "pci-\(Guest.rocker)"
    let node = try Guest.groupNode(Guest.rocker)
    try expectUIOError(.notFound, ["pci-0000:00:1f.7", "no such PCI function"]) {
      _ = try VFIODevice("pci-0000:00:1f.7")
    }
    try expectUIOError(.notFound, ["its driver is uio_pci_generic"]) {
      _ = try VFIODevice("pci-\(Guest.eduA)")
    }
    do {
      try expectEqual(seteuid(65534), 0, "seteuid")
      defer { seteuid(0) }
      try expectUIOError(.permissionDenied, [id, "EACCES", "udev"]) { _ = try VFIODevice(id) }
    }
    do {
      let holder = try FileDescriptor.open(node, O_RDWR)
      try expectUIOError(.busy, [id, "EBUSY", "another process"]) { _ = try VFIODevice(id) }
      withExtendedLifetime(holder) {}
    }
    // In one process a group opens as often as it has to, and is free after its last device.
    var devices = [try VFIODevice(id), try VFIODevice(id)]
    devices.removeAll()
    let holder = try FileDescriptor.open(node, O_RDWR)
    withExtendedLifetime(holder) {}
  }

  /// The order of V8, each step too early and twice.
  private static func steps() throws {
    try Guest.bindVFIO(Guest.rocker)
    let container = try FileDescriptor.open("/dev/vfio/vfio", O_RDWR)
    let group = try FileDescriptor.open(try Guest.groupNode(Guest.rocker), O_RDWR)
    let null = try FileDescriptor.open("/dev/null", O_RDWR)
    let name = Guest.rocker
    try answers(cvfio_container_use_iommu(container.raw), EINVAL, "an IOMMU before a group")
    try answers(cvfio_group_open_device(group.raw, name), EINVAL, "a device before a container")
    let refused = -cvfio_group_join(group.raw, null.raw)
    try expect([EINVAL, EBADFD].contains(refused), "no container: \(Errno.name(refused))")
    try answers(cvfio_group_join(group.raw, -1), EBADF, "no descriptor")
    try expectEqual(cvfio_group_is_viable(group.raw), 1, "viable")
    try expectEqual(cvfio_group_join(group.raw, container.raw), 0, "join")
    try answers(cvfio_group_join(group.raw, container.raw), EINVAL, "a second join")
    try answers(cvfio_group_open_device(group.raw, name), EINVAL, "a device before an IOMMU")
    try expectEqual(cvfio_container_use_iommu(container.raw), 0, "the IOMMU")
    try answers(cvfio_container_use_iommu(container.raw), EINVAL, "a second IOMMU")
    try answers(cvfio_group_open_device(group.raw, "0000:00:1f.7"), ENODEV, "another name")
    let device = FileDescriptor(adopting: cvfio_group_open_device(group.raw, name))
    try expect(device.raw >= 0, "the device: \(device.raw)")
    try answers(cvfio_device_reset(device.raw), EINVAL, "a reset that there is none of")
    var region = cvfio_region()
    try answers(cvfio_device_region(device.raw, 99, &region), EINVAL, "an unknown region")
    for operation in [VFIOOperation.join, .useIOMMU, .openDevice] {
      try expectEqual(operation.error(EINVAL, device: name).code, .unexpected, "\(operation)")
    }
  }

  private static func interrupts() throws {
    let edu = try Guest.openVFIO(Guest.vfioEdu, .msi)
    let raw = edu.file.raw
    let event = try FileDescriptor.event()
    let null = try FileDescriptor.open("/dev/null", O_RDWR)
    func arm(
      _ index: cvfio_index, _ vector: UInt32, _ descriptor: Int32, count: UInt32 = 1
    ) -> Int32 {
      var number = descriptor
      return cvfio_interrupt_arm(raw, index, vector, count, &number)
    }
    try answers(arm(CVFIO_MSI, 0, 9999), EBADF, "an eventfd that is not open")
    try answers(arm(CVFIO_MSI, 0, null.raw), EINVAL, "no eventfd")
    try answers(arm(CVFIO_MSI, 7, event.raw), EINVAL, "a vector out of range")
    try answers(arm(cvfio_index(rawValue: 9), 0, event.raw), EINVAL, "an unknown index")
    try answers(arm(CVFIO_MSIX, 0, event.raw), EINVAL, "an index without vectors")
    try answers(arm(CVFIO_ERROR, 0, event.raw), EINVAL, "errors of what is not PCI Express")
    try expectEqual(cvfio_interrupt_count(raw, CVFIO_ERROR), 0, "vectors of errors")
    try answers(cvfio_interrupt_trigger(raw, CVFIO_MSI, 0), EINVAL, "a vector that is not armed")
    try answers(cvfio_interrupt_mask(raw, false), EINVAL, "INTx that is off")
    try answers(cvfio_interrupt_unmask_by(raw, event.raw), EINVAL, "INTx that is off, by eventfd")
    try expectEqual(arm(CVFIO_MSI, 0, event.raw), 0, "arm")
    try answers(arm(CVFIO_INTX, 0, event.raw), EINVAL, "a second index at a time")
    try expectEqual(arm(CVFIO_MSI, 0, event.raw, count: 0), 0, "no vectors")
    try expectEqual(cvfio_interrupt_trigger(raw, CVFIO_MSI, 0), 0, "trigger")
    var count: UInt64 = 0
    try expectEqual(read(event.raw, &count, 8), 8, "read")
    try expectEqual(count, 1, "triggered")
    try expectEqual(cvfio_interrupt_disable(raw, CVFIO_MSI), 0, "disable")
    try answers(cvfio_interrupt_disable(raw, CVFIO_MSI), EINVAL, "an index that is off")
  }

  /// The same group, of which the host has one function.
  private static func wholeGroup() throws {
    let functions = ["0000:00:1f.0", "0000:00:1f.2", "0000:00:1f.3"]
    let (ours, other) = (functions[1], functions[2])
    defer {
      for address in functions {
        Guest.write(address, to: "\(Guest.pci(address))/driver/unbind")
        Guest.write("\n", to: "\(Guest.pci(address))/driver_override")
      }
    }
    Guest.write("uio_pci_generic", to: "\(Guest.pci(other))/driver_override")
    Guest.write(other, to: "/sys/bus/pci/drivers_probe")
    try expectEqual(Guest.driver(other), "uio_pci_generic", "driver of the other member")
    for force in ["", " --force"] {
      let (status, said) = try Guest.run(
        "interruptsyncctl bind \(ours) --driver vfio-pci\(force)")
      try expect(
        status == 1 && said.contains("\(other) (uio_pci_generic)") && said.contains("--group"),
        "status \(status): \(said)")
      try expectEqual(Guest.driver(ours), nil, "driver after the refusal")
    }
    let said = try Guest.shell("interruptsyncctl bind \(ours) --driver vfio-pci --group")
    try expectEqual(
      said.split(separator: "\n").map(String.init),
      [
        "bound pci-\(ours) to vfio-pci (before: no driver)",
        "bound pci-\(functions[0]) to vfio-pci (before: no driver)",
        "bound pci-\(other) to vfio-pci (before: uio_pci_generic)",
      ], "output of bind --group")
    try expectEqual(
      functions.map { Guest.driver($0) }, Array(repeating: "vfio-pci", count: 3), "drivers")
    try Guest.waitFor("the group's node") { access(try Guest.groupNode(ours), F_OK) == 0 }
    _ = try VFIODevice("pci-\(ours)")
    // Again: nothing is left to change.
    try expectEqual(
      try Guest.shell("interruptsyncctl bind \(ours) --driver vfio-pci --group --json"),
      "{\"device\":\"pci-\(ours)\",\"before\":\"vfio-pci\",\"driver\":\"vfio-pci\"}",
      "output as JSON")
  }

  /// The functions of the south bridge are one group.
  private static func sharedGroup() throws {
    let (ours, other) = ("0000:00:1f.2", "0000:00:1f.3")
    try Guest.bindVFIO(ours)
    defer {
      Guest.write(ours, to: "/sys/bus/pci/drivers/vfio-pci/unbind")
      Guest.unbind(other)
      for address in [ours, other] {
        Guest.write("\n", to: "\(Guest.pci(address))/driver_override")
      }
    }
    Guest.write("uio_pci_generic", to: "\(Guest.pci(other))/driver_override")
    Guest.write(other, to: "/sys/bus/pci/drivers_probe")
    try expectEqual(Guest.driver(other), "uio_pci_generic", "driver of the other member")
    try expectUIOError(.busy, ["pci-\(ours)", "\(other) (uio_pci_generic)", "unbind"]) {
      _ = try VFIODevice("pci-\(ours)")
    }
    Guest.unbind(other)
    let device = try VFIODevice("pci-\(ours)")
    // An I/O BAR of 32 bytes: no page (V30).
    try expectEqual(try device.region(bar: 4).kind, .port, "BAR 4")
    _ = try device.region(bar: 4).read8(at: 0)
  }

  private static func answers(
    _ result: Int32, _ number: Int32, _ what: String, line: Int = #line
  ) throws {
    try expectEqual(
      result < 0 ? Errno.name(-result) : "\(result)", Errno.name(number), what, line: line)
  }
}
