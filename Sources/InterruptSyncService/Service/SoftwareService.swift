import CUIO
import InterruptSync
import UIO

/// The line that is served where there is no device: triggered by the control thread's clock,
/// claimed by a routine that counts.
final class SoftwareService {
  static let name = "software"
  var name: String { Self.name }
  private let line: SoftwareLine
  private let object: InterruptSyncObject
  /// Readable when a tick is due.
  let clock: FileDescriptor

  /// - Throws: `InterruptSyncError`, `UIOError`.
  init(rate: UInt64, notices: NoticeBoard) throws {
    let fd = cuio_timer_create(1_000_000_000 / max(rate, 1))
    guard fd >= 0 else {
      throw UIOError(
        .resourcesExhausted, device: "software", operation: "start", cause: "no clock to be had",
        errno: -fd)
    }
    clock = FileDescriptor(adopting: fd)
    line = try SoftwareLine(name: Self.name)
    let options = InterruptSyncOptions { notices.post(Self.name, $0) }
    object = InterruptSyncObject(source: line, mode: .normal, options: options)
    try object.registerServiceRoutine { .success }
    try object.connect()
  }

  var state: InterruptSyncObject.State { object.state }
  var heartbeat: UInt64? { object.heartbeat }
  var statistics: InterruptStatistics { object.statistics() }

  func tick() {
    let ticks = cuio_timer_read(clock.raw)
    if ticks > 0 { line.trigger(ticks) }
  }

  func stop() { try? object.disconnect() }
}
