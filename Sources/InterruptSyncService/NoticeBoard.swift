// What dispatchers have to say, carried to the control thread: they must not write to a terminal
// themselves.
import CUIO
import InterruptSync
import UIO

/// A queue of reports with a descriptor that becomes readable. Any thread posts, the control thread
/// takes.
final class NoticeBoard: @unchecked Sendable {
  private let monitor = Monitor()
  private var waiting: [(device: String, report: InterruptReport)] = []
  /// Readable when something waits.
  let event: FileDescriptor

  init() throws(UIOError) {
    let fd = cuio_event_create()
    guard fd >= 0 else {
      throw UIOError(
        .resourcesExhausted, device: "interruptsyncd", operation: "start",
        cause: "no eventfd to be had", errno: -fd)
    }
    event = FileDescriptor(adopting: fd)
  }

  func post(_ device: String, _ report: InterruptReport) {
    monitor.locked { waiting.append((device, report)) }
    _ = cuio_event_signal(event.raw, 1)
  }

  func take() -> [(device: String, report: InterruptReport)] {
    _ = cuio_event_drain(event.raw)
    return monitor.locked {
      let taken = waiting
      waiting = []
      return taken
    }
  }
}
