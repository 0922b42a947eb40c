// Service room. The line that the daemon services where there is no device, so that you can see it
// run. Service makes, ticks and stops it on the control thread, without a lock: a timer triggers
// the line, and a routine on its dispatcher's thread claims every interrupt under the interrupt
// lock.
import CUIO
import InterruptSync
import LinuxSystem
import UIO

/// A software line with a clock.
final class SoftwareService {
  static let name = "software"
  var name: String { Self.name }
  private let line: SoftwareLine
  private let object: InterruptSyncObject
  /// Readable when a tick is due.
  let clock: FileDescriptor

  /// - Parameter report: called by the dispatcher, from its thread.
  /// - Throws: `InterruptSyncError`, `UIOError`.
  init(rate: UInt64, report: @escaping @Sendable (DeviceReport) -> Void) throws {
    let fd = linux_timer_create(1_000_000_000 / max(rate, 1))
    guard fd >= 0 else {
      throw UIOError(
        .resourcesExhausted, device: Self.name, operation: "start", cause: "cannot create a timer",
        hint: UIOOperation.limitHint,
        errno: -fd)
    }
    clock = FileDescriptor(adopting: fd)
    line = try SoftwareLine(name: Self.name)
    let options = InterruptSyncOptions { report(DeviceReport(device: Self.name, report: $0)) }
    object = InterruptSyncObject(source: line, mode: .normal, options: options)
    try object.registerServiceRoutine { .success }
    try object.connect()
  }

  var state: InterruptSyncObject.State { object.state }
  var heartbeat: UInt64? { object.heartbeat }
  var statistics: InterruptStatistics { object.statistics() }

  func tick() {
    let ticks = linux_timer_read(clock.raw)
    if ticks > 0 { line.trigger(ticks) }
  }

  func stop() { try? object.disconnect() }
}
