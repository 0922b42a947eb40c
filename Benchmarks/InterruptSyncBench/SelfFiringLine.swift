import CFloor
import CUIO
import Glibc
import InterruptSync
import UIO

/// A line that fires again as soon as it is re-armed, through the same path as a UIO device with
/// irqcontrol: a read of 4 bytes, a write of 4 bytes. Or one of messages, through the path of a vector
/// of MSI: a read of 8 bytes, and its routine makes it fire again.
@safe final class SelfFiringLine: InterruptSource, @unchecked Sendable {
  let name = "self-firing"
  private let file: FileDescriptor
  private let raw: UnsafeMutablePointer<cuio_line>

  convenience init() {
    let fd = floor_self_firing_line()
    precondition(fd >= 0, "cannot create a pipe")
    self.init(fd, CUIO_COUNT_TOTAL32, CUIO_REARM_IRQCONTROL)
  }

  /// - Parameter messages: an eventfd (floor_message_line).
  convenience init(messages: Int32) { self.init(messages, CUIO_COUNT_EVENTFD, CUIO_REARM_NONE) }

  private init(_ fd: Int32, _ format: cuio_count_format, _ rearm: cuio_rearm_kind) {
    file = FileDescriptor(adopting: fd)
    unsafe raw = .allocate(capacity: 1)
    unsafe raw.initialize(
      to: cuio_line(
        fd: fd, rearm_fd: fd, format: format, rearm: rearm, total: 0, command: 0, hooks: 0))
  }

  deinit { unsafe raw.deallocate() }

  func attach() throws(InterruptSyncError) -> InterruptLine { unsafe InterruptLine(raw) }
  func detach() {}

  func failure(_ operation: InterruptLineOperation, errno: Int32) -> InterruptSyncError {
    InterruptSyncError(
      .lineFailed, object: name, operation: operation.rawValue, cause: "the descriptor failed",
      errno: errno)
  }
}
