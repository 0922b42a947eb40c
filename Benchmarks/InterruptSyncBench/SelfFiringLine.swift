import CFloor
import CUIO
import Glibc
import InterruptSync
import UIO

/// A line that fires again as soon as it is re-armed, through the same path as a UIO device with
/// irqcontrol: a read of 4 bytes, a write of 4 bytes.
@safe final class SelfFiringLine: InterruptSource, @unchecked Sendable {
  let name = "self-firing"
  private let file: FileDescriptor
  private let raw: UnsafeMutablePointer<cuio_line>

  init() {
    let fd = floor_self_firing_line()
    precondition(fd >= 0, "cannot create a pipe")
    file = FileDescriptor(adopting: fd)
    unsafe raw = .allocate(capacity: 1)
    unsafe raw.initialize(
      to: cuio_line(
        fd: fd, rearm_fd: fd, format: CUIO_COUNT_TOTAL32, rearm: CUIO_REARM_IRQCONTROL, total: 0,
        command: 0, hooks: 0))
  }

  deinit { unsafe raw.deallocate() }

  func attach() throws(InterruptSyncError) -> InterruptLine { unsafe InterruptLine(raw) }
  func detach() {}

  func failure(_ operation: InterruptLineOperation, errno: Int32) -> InterruptSyncError {
    InterruptSyncError(
      .lineFailed, object: name, operation: operation.rawValue, cause: "the pipe failed",
      errno: errno)
  }
}
