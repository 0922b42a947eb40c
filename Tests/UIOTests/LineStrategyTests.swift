// How a line is re-armed: by driver, by asking, by choice, and what can go wrong with each.
import CUIO
import Glibc
import TestSupport
import Testing

@testable import UIO

private func device(
  driver: String?, _ node: FileDescriptor, config: [UInt8]? = nil, event: String = "0"
) throws -> UIODevice {
  let tree = try FakeTree(
    FakeDevice(driver: driver, event: event, files: config.map { ["config": $0] } ?? [:]))
  return UIODevice(
    try UIODeviceInfo(number: 0, sysfs: tree.sysfs), node: node, sysfs: tree.sysfs)
}

private func failure(_ device: UIODevice, _ strategy: RearmStrategy? = nil) -> UIOError? {
  do throws(UIOError) { _ = try UIOLine(device, strategy: strategy) } catch { return error }
  return nil
}

@Test(arguments: [
  ("uio_pci_generic", RearmStrategy.pciCommand), ("uio_pdrv_genirq", .irqControl),
  ("uio_dmem_genirq", .irqControl), ("uio_hv_generic", .irqControl), ("igb_uio", .irqControl),
  ("uio_pci_sva", RearmStrategy.none), ("uio_pci_generic_sva", RearmStrategy.none),
])
func fact17_aKnownDriverDecides(_ driver: String, _ strategy: RearmStrategy) throws {
  let config = [UInt8](repeating: 0, count: 64)
  let line = try UIOLine(device(driver: driver, FakeNode.alive(), config: config))
  #expect(line.strategy == strategy)
  #expect(line.raw.pointee.rearm == strategy.raw)
  #expect(line.raw.pointee.format == CUIO_COUNT_TOTAL32)
}

@Test(arguments: ["uio_mf624", nil] as [String?])
func fact16_anUnknownDriverIsAsked(_ driver: String?) throws {
  #expect(RearmStrategy.known(driver: driver) == nil)
  let answers = try UIOLine(device(driver: driver, FakeNode.alive()))
  #expect(answers.strategy == .irqControl)
  try FakeNode.irqControl(answers: ENOSYS) {
    let silent = try UIOLine(device(driver: driver, FakeNode.alive()))
    #expect(silent.strategy == .none)
  }
}

@Test func fact48_preparingALineMasksIt() throws {
  let tree = try FakeTree(FakeDevice(driver: "uio_pdrv_genirq"))
  let device = try UIODevice(.number(0), sysfs: tree.sysfs)
  _ = try UIOLine(device)
  // The FIFO gives back what was written.
  var value: Int32 = -1
  #expect(read(device.file.raw, &value, 4) == 4)
  #expect(value == 0)
  #expect(read(device.file.raw, &value, 4) == -1 && errno == EAGAIN)
}

@Test func aChosenStrategyGoesBeforeTheDriver() throws {
  let line = try UIOLine(
    device(driver: "uio_pci_generic", FakeNode.alive()), strategy: RearmStrategy.none)
  #expect(line.strategy == .none)
  let config = [UInt8](repeating: 0, count: 64)
  #expect(
    try UIOLine(device(driver: nil, FakeNode.alive(), config: config), strategy: .pciCommand)
      .strategy == .pciCommand)
}

@Test(arguments: [
  (ENOSYS, UIOError.Code.rearmUnsupported), (EINVAL, .removed), (EIO, .driverFailed),
  (EPROTO, .driverFailed), (EBUSY, .driverFailed), (EBADF, .readOnly),
])
func facts16To18_irqcontrolIsTriedBeforeItIsNeeded(
  _ number: Int32, _ code: UIOError.Code
) throws {
  for driver in ["uio_pdrv_genirq", "uio_unknown"] {
    let device = try device(driver: driver, FakeNode.alive())
    let error = FakeNode.irqControl(answers: number) {
      failure(device, driver == "uio_unknown" && number == ENOSYS ? .irqControl : nil)
    }
    #expect(error?.code == code, "\(driver)")
    #expect(error?.errorNumber == number)
    #expect(error?.operation == "re-arm by irqcontrol")
    // A line that says the device is gone shuts the gate of its registers as well.
    #expect(device.isAlive == (code != .removed))
  }
}

@Test func fact16_aNodeThatRefusesTheWriteIsTornDown() throws {
  let device = try device(driver: "uio_pdrv_genirq", FakeNode.refusing())
  #expect(failure(device)?.code == .removed)
  #expect(!device.isAlive)
}

@Test func fact39_aDeviceWithoutInterruptHasNoLine() throws {
  let error = try FakeNode.irqControl(answers: EIO) {
    failure(try device(driver: "uio_pci_generic", FakeNode.unbound()))
  }
  #expect(error?.code == .noInterrupt)
  #expect(error?.hint.contains("device tree") == true)
}

@Test func fact28_aRemovedDeviceHasNoLine() throws {
  for strategy in RearmStrategy.allCases {
    let device = try device(driver: "uio_pdrv_genirq", FakeNode.unbound())
    #expect(failure(device, strategy)?.code == .removed)
  }
}

@Test func fact8_countingStartsFromWhatSysfsSaid() throws {
  let line = try UIOLine(
    device(driver: "uio_pci_sva", FakeNode.alive(), event: "4294967295"))
  #expect(line.total == .max)
}

@Test func aLineHasOneUserAtATime() throws {
  let line = try UIOLine(device(driver: "uio_pdrv_genirq", FakeNode.alive()))
  #expect(try line.claim())
  #expect(try !line.claim())
  line.unclaim()
  #expect(try line.claim())
}

@Test func fact6_linesOfOneDeviceShareItsCursorAndItsOneUser() throws {
  let device = try device(driver: "uio_pdrv_genirq", FakeNode.alive())
  let first = try UIOLine(device)
  let second = try UIOLine(device)
  #expect(try first.claim())
  #expect(try !second.claim())
  cuio_line_set_total(first.raw, 7)
  first.unclaim()
  #expect(try second.claim())
  #expect(second.total == 7)
}

@Test func aDeviceOfAnUnknownDriverIsNotAskedWhileAnObjectIsConnected() throws {
  let device = try device(driver: nil, FakeNode.alive())
  let line = try UIOLine(device)
  #expect(try line.claim())
  let error = failure(device)
  #expect(error?.code == .busy && error?.cause.contains("its driver is unknown") == true)
  // A strategy that is named needs no answer.
  #expect(failure(device, .irqControl) == nil)
  line.unclaim()
  #expect(failure(device) == nil)
}

@Test func fact6_aNodeThatAnotherOpenFileHasClaimedIsBusy() throws {
  let tree = try FakeTree(FakeDevice(driver: "uio_pdrv_genirq"))
  let device = try UIODevice(.number(0), sysfs: tree.sysfs)
  let line = try UIOLine(device)
  let other = try FileDescriptor.open(device.info.path, O_RDWR | O_NONBLOCK)
  #expect(other.claim() == nil)
  let error = failure(device)
  #expect(error?.code == .busy && error?.cause.contains("another open file") == true)
  let busy = #expect(throws: UIOError.self) { try line.claim() }
  #expect(busy?.code == .busy && busy?.operation == "connect")
  other.unclaim()
  #expect(try line.claim(), "what was refused left nothing claimed")
  #expect(other.claim() != nil)
  line.unclaim()
  #expect(other.claim() == nil)
}

@Test func aFailureOfTheLineShutsTheGateOnlyIfItMeansRemoval() throws {
  let device = try device(driver: "uio_pdrv_genirq", FakeNode.alive())
  let line = try UIOLine(device)
  #expect(line.failure(.irqControl, EBUSY).code == .driverFailed)
  #expect(device.isAlive)
  #expect(line.failure(.read, EIO).code == .removed)
  #expect(!device.isAlive)
}

@Test func anAdoptedNodeIsReadWithoutWaitingWhateverItsOpenFileSays() throws {
  let tree = try FakeTree(FakeDevice(driver: "uio_pdrv_genirq"))
  let info = try UIODeviceInfo(number: 0, sysfs: tree.sysfs)
  let node = MortalNode()
  let device = UIODevice(info, node: node.file, isShared: true, sysfs: tree.sysfs)
  let line = try UIOLine(device, strategy: RearmStrategy.none)
  #expect(line.raw.pointee.format == CUIO_COUNT_POLLED_TOTAL32)
  // Who handed it over made it blocking; nothing has come.
  #expect(fcntl(node.file.raw, F_GETFL) & O_NONBLOCK == 0)
  var delta: UInt64 = 0
  #expect(cuio_line_read(line.raw, &delta) == -EAGAIN)
}
