// What each error number means, operation by operation: every row of the table, and every number
// that has none.
import Glibc
import Testing

@testable import DeviceIdentity

private struct Row: Sendable {
  let operation: UIOOperation
  let number: Int32
  let code: UIOError.Code
  let cause: String
  let hint: String

  init(
    _ operation: UIOOperation, _ number: Int32, _ code: UIOError.Code, _ cause: String,
    _ hint: String
  ) {
    self.operation = operation
    self.number = number
    self.code = code
    self.cause = cause
    self.hint = hint
  }
}

private let gone = "the device was unbound or removed"
private let again = "open it again by its stable id"
private let absent = "there is no such device"
private let look = "ls /sys/class/uio"
private let node = "group (udev rule"
private let pci = "PCI files in sysfs belong to root"
private let limits = "LimitNOFILE=, LimitMEMLOCK="

private let specific: [Row] = [
  // Fact 1.
  Row(.open, ENODEV, .notFound, absent, look),
  Row(.open, ENOENT, .notFound, absent, look),
  Row(.open, ENXIO, .notFound, absent, look),
  Row(.open, ENOTDIR, .notFound, absent, look),
  Row(.open, ELOOP, .notFound, absent, look),
  Row(.open, ENAMETOOLONG, .notFound, absent, look),
  Row(.open, EINVAL, .removed, gone, again),
  Row(.open, EBUSY, .busy, "its driver refuses another open", "close it in the other program"),
  Row(.open, EIO, .driverFailed, "its driver's open hook refused", "kernel's log"),
  Row(.open, EPROTO, .driverFailed, "its driver's open hook refused", "kernel's log"),
  // Facts 7, 13.
  Row(.read, EIO, .removed, gone, again),
  Row(.read, EPIPE, .removed, "the writing end was closed", "open the line again"),
  Row(.read, EBADMSG, .driverFailed, "not an interrupt count of 4 bytes", "driver's author"),
  Row(.read, EINVAL, .driverFailed, "not an interrupt count of 4 bytes", "driver's author"),
  // Facts 16 to 19.
  Row(.irqControl, EINVAL, .removed, gone, again),
  Row(.irqControl, ENODEV, .removed, gone, again),
  Row(.irqControl, EIO, .noInterrupt, "the device has no interrupt", "device tree"),
  Row(.irqControl, ENOSYS, .rearmUnsupported, "its driver has no irqcontrol", "PCI COMMAND"),
  Row(.irqControl, EBADF, .readOnly, "not open for writing", "O_RDWR"),
  Row(.irqControl, EPROTO, .driverFailed, "a length other than 4", "author"),
  Row(.irqControl, EBUSY, .driverFailed, "refused to re-arm", "kernel's log"),
  Row(.irqControl, EPERM, .driverFailed, "refused to re-arm", "kernel's log"),
  // Fact 28.
  Row(.openConfiguration, ENOENT, .rearmUnsupported, "not a PCI function", "irqcontrol or none"),
  Row(.configuration, ENODEV, .removed, gone, again),
  Row(.configuration, EIO, .removed, gone, again),
  Row(.port, ENODEV, .removed, gone, again),
  Row(.port, EIO, .removed, gone, again),
  Row(.port, EINVAL, .misaligned, "width or offset", "1, 2 or 4 bytes"),
  // Facts 28, 34, 35.
  Row(.map, EINVAL, .removed, "or its map is gone", again),
  Row(.map, ENODEV, .unmappable, "not page-aligned", "PCI BAR"),
  Row(.map, ENXIO, .unmappable, "not page-aligned", "PCI BAR"),
  // Fact 40.
  Row(.openResource, ENOENT, .noSuchRegion, "no such BAR", "resource"),
  Row(.mapResource, EINVAL, .busy, "exclusively", "/proc/iomem"),
  Row(.mapResource, ENODEV, .removed, gone, again),
  // Fact 37.
  Row(.attribute, ENOENT, .removed, gone, again),
  Row(.attribute, ENODEV, .removed, gone, again),
  Row(.attribute, EINVAL, .removed, gone, again),
]

@Test(arguments: specific)
private func eachRowOfTheTableSaysWhatTheFactsSay(_ row: Row) {
  let error = row.operation.error(row.number, device: "uio0")
  let name = "\(row.operation.rawValue): \(Errno.name(row.number))"
  #expect(error.code == row.code, "\(name)")
  #expect(error.cause.contains(row.cause), "\(name): \(error.cause)")
  #expect(error.hint.contains(row.hint), "\(name): \(error.hint)")
  #expect(error.errorNumber == row.number)
  #expect(error.device == "uio0" && error.operation == row.operation.rawValue)
}

private let pciOperations: Set<UIOOperation> = [
  .openConfiguration, .configuration, .openResource, .mapResource, .port,
]

@Test(arguments: UIOOperation.allCases)
func fact4_permissionIsHintedAtByWhoseFileItIs(_ operation: UIOOperation) {
  // irqcontrol's errors are the driver's own (fact 18).
  guard operation != .irqControl else { return }
  for number in [EACCES, EPERM] {
    let error = operation.error(number, device: "uio0")
    #expect(error.code == .permissionDenied)
    #expect(error.hint.contains(pciOperations.contains(operation) ? pci : node))
  }
}

@Test(arguments: UIOOperation.allCases)
func whatHasNoRowOfItsOwnHasAGeneralMeaning(_ operation: UIOOperation) {
  guard operation != .irqControl else { return }
  let general: [(Int32, UIOError.Code, String)] = [
    (EROFS, .readOnly, "ProtectKernelTunables="), (EMFILE, .resourcesExhausted, limits),
    (ENFILE, .resourcesExhausted, limits), (ENOMEM, .resourcesExhausted, limits),
    (EAGAIN, .resourcesExhausted, limits), (EFAULT, .unexpected, "bug of the library"),
  ]
  for (number, code, hint) in general {
    let error = operation.error(number, device: "uio0")
    #expect(error.code == code, "\(operation): \(Errno.name(number))")
    #expect(error.hint.contains(hint))
  }
}

@Test(arguments: UIOOperation.allCases)
func everyNumberHasACauseAndPrintsOnOneLineBeforeItsHint(_ operation: UIOOperation) {
  for number in Int32(1)...133 {
    let error = operation.error(number, device: "uio0")
    #expect(!error.cause.isEmpty && !error.hint.isEmpty, "\(operation): \(number)")
    let lines = error.description.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 2)
    #expect(
      lines[0]
        == "uio0: \(operation.rawValue): \(error.cause) (\(Errno.name(number)))")
  }
}

@Test func everyNumberOfTheTableHasItsName() {
  for row in specific {
    #expect(!Errno.name(row.number).hasPrefix("errno"), "\(row.number)")
  }
  #expect(Errno.name(EACCES) == "EACCES")
  #expect(Errno.name(EAGAIN) == "EAGAIN")
  #expect(Errno.name(EDEADLK) == "EDEADLK")
  #expect(Errno.name(EPROTO) == "EPROTO")
  #expect(Errno.name(9999) == "errno 9999")
  #expect(Errno.name(-1) == "errno -1")
}

@Test func anErrorOfTheLibraryItselfPrintsNoNumber() {
  let plain = UIOError(.malformed, device: "x", operation: "name a device", cause: "not one")
  #expect(plain.description == "x: name a device: not one")
  let hinted = UIOError(
    .busy, device: "x", operation: "open", cause: "taken", hint: "wait", errno: EBUSY)
  #expect(hinted.description == "x: open: taken (EBUSY)\n  hint: wait")
}
