// Re-arming by PCI COMMAND, on a file that stands in for the configuration space (facts 41, 42).
import CUIO
import Glibc
import TestSupport
import Testing

@testable import UIO

private let masked: UInt16 = 0x0400
private let path = "sys/devices/pci0/0000:00:03.0/config"

private struct Bench: Sendable {
  let tree: FakeTree
  let node = MortalNode()
  let device: UIODevice

  init(command: UInt16?) throws {
    var device = FakeDevice()
    if let command { device.files["config"] = Self.space(command) }
    tree = try FakeTree(device)
    self.device = UIODevice(
      try UIODeviceInfo(number: 0, sysfs: tree.sysfs), node: node.file, sysfs: tree.sysfs)
  }

  /// 64 bytes that show whether a neighbour of COMMAND was touched.
  static func space(_ command: UInt16) -> [UInt8] {
    var bytes = (0..<64).map { UInt8($0 * 3) }
    bytes[4] = UInt8(truncatingIfNeeded: command)
    bytes[5] = UInt8(truncatingIfNeeded: command >> 8)
    return bytes
  }

  func expect(_ command: UInt16, _ location: SourceLocation = #_sourceLocation) throws {
    let bytes = try tree.bytes(path)
    #expect(bytes == Self.space(command), sourceLocation: location)
  }

  func failure() -> UIOError? {
    do throws(UIOError) { _ = try UIOLine(device) } catch { return error }
    return nil
  }
}

@Test func fact41_preparingALineReadsCommandAndWritesNothing() throws {
  let bench = try Bench(command: 0x0103 | masked)
  let line = try UIOLine(bench.device)
  #expect(line.raw.pointee.command == 0x0103)
  try bench.expect(0x0103 | masked)
}

@Test func fact41_rearmClearsInterruptDisableAndMaskSetsIt() throws {
  let bench = try Bench(command: 0x0103 | masked)
  let line = try UIOLine(bench.device)
  #expect(cuio_line_rearm(line.raw) == 0)
  try bench.expect(0x0103)
  #expect(cuio_line_mask(line.raw) == 0)
  try bench.expect(0x0103 | masked)
}

@Test func fact42_rearmWritesTheRememberedValue() throws {
  let bench = try Bench(command: 0x0103)
  let line = try UIOLine(bench.device)
  try bench.tree.write(path, Bench.space(0x0147 | masked))
  #expect(cuio_line_rearm(line.raw) == 0)
  try bench.expect(0x0103)
  // What others changed is taken over when the line is connected anew.
  try bench.tree.write(path, Bench.space(0x0147 | masked))
  #expect(cuio_line_refresh_command(line.raw) == 0)
  #expect(cuio_line_rearm(line.raw) == 0)
  try bench.expect(0x0147)
}

@Test func fact45_busMasteringIsKeptByLaterRearms() throws {
  let bench = try Bench(command: 0x0103 | masked)
  let line = try UIOLine(bench.device)
  try line.setBusMaster(true)
  try bench.expect(0x0107 | masked)
  #expect(cuio_line_rearm(line.raw) == 0)
  try bench.expect(0x0107)
  // Another close has turned it off: the next re-arm turns it on again.
  try bench.tree.write(path, Bench.space(0x0103 | masked))
  #expect(cuio_line_rearm(line.raw) == 0)
  try bench.expect(0x0107)
  try line.setBusMaster(false)
  #expect(cuio_line_rearm(line.raw) == 0)
  try bench.expect(0x0103)
}

@Test func fact29_aFunctionThatReadsAsAllOnesIsRemoved() throws {
  let bench = try Bench(command: 0xffff)
  #expect(bench.failure()?.code == .removed)
  #expect(!bench.device.isAlive)
  try bench.expect(0xffff)
}

@Test func fact29_busMasteringOfAFunctionThatHasGoneIsRemoved() throws {
  let bench = try Bench(command: 0x0103)
  let line = try UIOLine(bench.device)
  try bench.tree.write(path, Bench.space(0xffff))
  let error = #expect(throws: UIOError.self) { try line.setBusMaster(true) }
  #expect(error?.code == .removed)
  #expect(!bench.device.isAlive)
  try bench.expect(0xffff)
}

@Test func fact28_aConfigurationSpaceThatAnswersNothingIsRemoved() throws {
  let bench = try Bench(command: 0x0103)
  try bench.tree.write(path, [0x86, 0x80, 0, 0])
  let error = bench.failure()
  #expect(error?.code == .removed && error?.errorNumber == EIO)
}

@Test(arguments: [
  (EACCES, UIOError.Code.permissionDenied), (EPERM, .permissionDenied), (EROFS, .readOnly),
  (ENOENT, .rearmUnsupported), (EMFILE, .resourcesExhausted),
])
func fact4_openingTheConfigurationSpaceSaysWhatItsErrorMeans(
  _ number: Int32, _ code: UIOError.Code
) throws {
  let bench = try Bench(command: 0x0103)
  let error = SystemError.$injected.withValue({ call, path in
    call == .open && path.hasSuffix("/config") ? number : nil
  }) { bench.failure() }
  #expect(error?.code == code && error?.errorNumber == number)
  #expect(error?.operation == "open the PCI configuration space")
}

@Test func aDeviceThatIsNoPCIFunctionHasNoCommand() throws {
  #expect(try Bench(command: nil).failure()?.code == .rearmUnsupported)
}

@Test func fact45_busMasteringNeedsTheConfigurationSpace() throws {
  let bench = try Bench(command: 0x0103)
  let line = try UIOLine(bench.device, strategy: RearmStrategy.none)
  let error = #expect(throws: UIOError.self) { try line.setBusMaster(true) }
  #expect(error?.code == .rearmUnsupported)
  #expect(error?.cause.contains("re-armed by none") == true)
  try bench.expect(0x0103)
}

@Test func fact5_theConfigurationSpaceOfAnotherDeviceIsNotOpened() throws {
  let bench = try Bench(command: 0x0103)
  // Unbound after the line's first look at the device, and the number given to another.
  let error = SystemError.$injected.withValue({ call, path in
    if call == .open && path.hasSuffix("/config") { bench.node.kill() }
    return nil
  }) { bench.failure() }
  #expect(error?.code == .removed)
}
