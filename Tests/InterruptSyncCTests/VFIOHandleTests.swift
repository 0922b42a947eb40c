// What interruptsync/vfio.h and interruptsync/dma.h say of a device that is there: the kernel behind VFIO is a test's,
// everything above it is what a program in C calls. Tests/C has what is refused without a device; the guests have
// real ones.
import CInterruptSync
import Glibc
import LinuxSystem
import TestSupport
import Testing
import VFIO

@testable import InterruptSyncC

/// An open device and its handle, which goes with the last reference.
private final class Bench {
  let kernel: FakeVFIO
  let handle: OpaquePointer

  init(
    _ kind: VFIOInterrupt? = nil, _ sink: VFIOReportSink? = nil,
    _ change: (inout FakeVFIO.State) -> Void = { _ in }
  ) throws {
    let kernel = try FakeVFIO(change)
    let box = try VFIOBox(sink) { report throws(UIOError) in
      try VFIODevice(FakeVFIO.address, kind, kernel.sysfs, kernel, report)
    }
    var handle: OpaquePointer?
    try box.give(to: &handle)
    self.kernel = kernel
    self.handle = try #require(handle)
  }

  deinit { interruptsync_release(UnsafeMutableRawPointer(handle)) }

  func line(_ vector: UInt32) throws -> OpaquePointer {
    var line: OpaquePointer?
    #expect(interruptsync_vfio_line(handle, vector, &line) == 0)
    return try #require(line)
  }
}

private func release(_ handle: OpaquePointer?) {
  #expect(interruptsync_release(UnsafeMutableRawPointer(handle)) == 0)
}

private func text<Bytes>(_ bytes: Bytes) -> String {
  withUnsafeBytes(of: bytes) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}

@Test(arguments: [
  (VFIOInterrupt.msix, INTERRUPTSYNC_VFIO_MSIX, 4), (.msi, INTERRUPTSYNC_VFIO_MSI, 2),
  (.intx, INTERRUPTSYNC_VFIO_INTX, 1),
])
func aDeviceSaysInCWhatItIs(_ kind: VFIOInterrupt, _ constant: Int, _ vectors: Int) throws {
  let bench = try Bench(kind) {
    $0.counts = [0: 1, 1: 2, 2: 4]
    $0.canReset = kind == .msi ? 0 : 1
  }
  var info = interruptsync_vfio_info()
  info.size = MemoryLayout<interruptsync_vfio_info>.size
  #expect(interruptsync_vfio_get_info(bench.handle, &info) == 0)
  #expect(info.interrupt == UInt32(constant) && info.vector_count == UInt32(vectors))
  #expect(info.can_reset == (kind != .msi))
  #expect(
    info.pci_domain == 0 && info.pci_bus == 1 && info.pci_device == 0 && info.pci_function == 0)
  #expect(text(info.stable_id) == "pci-0000:01:00.0")
  #expect(interruptsync_vfio_is_alive(bench.handle) == 1)
}

@Test func aDeviceIsConfiguredAndResetFromC() throws {
  let bench = try Bench()
  var space: OpaquePointer?
  #expect(interruptsync_vfio_configuration(bench.handle, &space) == 0)
  var vendor: UInt16 = 0
  #expect(interruptsync_read16(space, 0, &vendor) == 0 && vendor == 0x1b36)
  #expect(interruptsync_vfio_set_bus_master(bench.handle, true) == 0)
  #expect(bench.kernel.configuration(at: 4) & 4 != 0)
  #expect(interruptsync_vfio_set_bus_master(bench.handle, false) == 0)
  #expect(bench.kernel.configuration(at: 4) & 4 == 0)
  var bar: OpaquePointer?
  #expect(interruptsync_vfio_region(bench.handle, 0, &bar) == 0)
  #expect(interruptsync_write32(bar, 16, 0x1234_5678) == 0)
  var value: UInt32 = 0
  #expect(interruptsync_read32(bar, 16, &value) == 0 && value == 0x1234_5678)
  #expect(interruptsync_vfio_region(bench.handle, 1, &bar) == -ENOENT)
  let resets = bench.kernel.state.withLock { $0.resets }
  #expect(interruptsync_vfio_reset(bench.handle) == 0)
  #expect(bench.kernel.state.withLock { $0.resets } == resets + 1)
  release(bar)
  release(space)
}

@Test func aVectorIsServicedFromC() throws {
  let bench = try Bench()
  let line = try bench.line(2)
  var info = interruptsync_line_info()
  info.size = MemoryLayout<interruptsync_line_info>.size
  #expect(interruptsync_line_get_info(line, &info) == 0)
  #expect(info.kind == UInt32(INTERRUPTSYNC_LINE_VFIO))
  let calls = Guarded(0)
  let context = Unmanaged.passUnretained(calls).toOpaque()
  var object: OpaquePointer?
  #expect(interruptsync_object_create(line, UInt32(INTERRUPTSYNC_MODE_NORMAL), nil, &object) == 0)
  let registered = interruptsync_object_register(
    object,
    { _, context in
      Unmanaged<Guarded<Int>>.fromOpaque(context!).takeUnretainedValue().withLock { $0 += 1 }
      return 0
    }, context, 0, nil)
  #expect(registered == 0)
  #expect(interruptsync_vfio_self_test(line) == -ENXIO, "nothing is armed")
  #expect(interruptsync_object_connect(object) == 0)
  // Once for what came before (V18), once for the test.
  try eventually("the first dispatch") { calls.withLock { $0 } == 1 }
  #expect(interruptsync_vfio_self_test(line) == 0)
  try eventually("the self-test") { calls.withLock { $0 } == 2 }
  #expect(bench.kernel.interrupt(2))
  try eventually("an interrupt") { calls.withLock { $0 } == 3 }
  #expect(interruptsync_object_disconnect(object) == 0)
  release(object)
  release(line)
  var missing: OpaquePointer?
  #expect(interruptsync_vfio_line(bench.handle, 4, &missing) == -ENXIO && missing == nil)
}

@Test func aLevelLineSaysInCThatItIsUnmasked() throws {
  let bench = try Bench(.intx) { $0.counts = [0: 1] }
  let line = try bench.line(0)
  var info = interruptsync_line_info()
  info.size = MemoryLayout<interruptsync_line_info>.size
  #expect(interruptsync_line_get_info(line, &info) == 0)
  #expect(info.rearm == UInt32(INTERRUPTSYNC_REARM_UNMASK))
  release(line)
}

@Test func memoryForADeviceIsSharedFromC() throws {
  let bench = try Bench()
  var buffer: OpaquePointer?
  let direction = UInt32(INTERRUPTSYNC_DMA_BOTH)
  #expect(interruptsync_vfio_allocate(bench.handle, 8192, 4096, direction, &buffer) == 0)
  var info = interruptsync_dma_info()
  info.size = MemoryLayout<interruptsync_dma_info>.size
  #expect(interruptsync_dma_get_info(buffer, &info) == 0)
  #expect(info.length == 8192 && info.direction == direction)
  #expect(info.device_address.isMultiple(of: 4096))
  let address = try #require(info.address)
  address.storeBytes(of: 7, toByteOffset: 8191, as: UInt8.self)
  #expect(interruptsync_dma_sync_for_device(buffer) == 0)
  #expect(interruptsync_dma_sync_for_program(buffer) == 0)
  #expect(bench.kernel.mappings == ["0x\(String(info.device_address, radix: 16)) 8192 rw"])
  #expect(interruptsync_vfio_allocate(bench.handle, 8192, 4096, direction, nil) == -EINVAL)
  release(buffer)
  #expect(bench.kernel.mappings == [])
}

/// What a handler in C was told, and what it does then.
private final class Told: Sendable {
  let reports = Guarded<[String]>([])
  let action = Guarded<(@Sendable () -> Void)?>(nil)

  var sink: VFIOReportSink? {
    let context = Unmanaged.passUnretained(self).toOpaque()
    return VFIOReportSink(
      handler: { report, context in
        guard let report, let context else { return }
        let told = Unmanaged<Told>.fromOpaque(context).takeUnretainedValue()
        let isReturned = report.pointee.kind == UInt32(INTERRUPTSYNC_REPORT_DEVICE_RETURNED)
        let text = String(cString: report.pointee.text)
        told.reports.withLock { $0.append("\(isReturned ? "returned" : "failed"): \(text)") }
        told.action.withLock { $0 }?()
      }, context: context)
  }

  var count: Int { reports.withLock { $0.count } }
}

@Test func aDeviceThatTheHostTakesBackIsReportedInC() throws {
  let told = Told()
  let bench = try Bench(nil, told.sink) { $0.counts = [2: 4, 3: 1] }
  bench.kernel.reportError()
  try eventually("the error") { told.count == 1 }
  bench.kernel.wantBack()
  try eventually("the return") { told.count == 2 }
  let reports = told.reports.withLock { $0 }
  #expect(reports[0].hasPrefix("failed: ") && reports[1].hasPrefix("returned: "), "\(reports)")
  #expect(interruptsync_vfio_is_alive(bench.handle) == 0)
}

private let report = VFIOReport.failed(
  UIOError(
    .driverFailed, device: "pci-0000:01:00.0", operation: "serve the device", cause: "an error",
    hint: "reset it"))

@Test func theEndOfReportsWaitsForTheOneThatRunsAndNoneFollowsIt() throws {
  let told = Told()
  let sink = try #require(told.sink)
  let isHeld = Guarded(true)
  let hasEnded = Guarded(false)
  told.action.withLock { $0 = { while isHeld.withLock({ $0 }) { sched_yield() } } }
  let sending = try WorkerThread(name: "send") { sink.send(report) }
  try eventually("the report") { told.count == 1 }
  let ending = try WorkerThread(name: "end") {
    sink.end()
    hasEnded.withLock { $0 = true }
  }
  for _ in 0..<1000 { sched_yield() }
  #expect(!hasEnded.withLock { $0 })
  isHeld.withLock { $0 = false }
  ending.join()
  sending.join()
  sink.send(report)
  #expect(told.count == 1)
}

@Test func aReportMayEndTheReports() throws {
  let told = Told()
  let sink = try #require(told.sink)
  told.action.withLock { $0 = { sink.end() } }
  sink.send(report)
  sink.send(report)
  #expect(told.count == 1)
  told.action.withLock { $0 = nil }
}
