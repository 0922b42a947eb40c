import CUIO
import Synchronization
import UIO

/// A line that code triggers: for tests and for machines without hardware.
///
/// What is triggered while no object is connected is kept and delivered on connect.
@safe public final class SoftwareLine: InterruptSource, @unchecked Sendable {
  public let name: String
  private let event: FileDescriptor
  private let raw: UnsafeMutablePointer<cuio_line>
  private let isClaimed = Atomic<Bool>(false)

  /// - Throws: `resourcesExhausted`.
  public init(name: String = "software") throws(InterruptSyncError) {
    let fd = cuio_event_create()
    guard fd >= 0 else {
      throw InterruptSyncError(
        .resourcesExhausted, object: name, operation: "make a software line",
        cause: "no eventfd to be had", errno: -fd)
    }
    self.name = name
    event = FileDescriptor(adopting: fd)
    unsafe raw = .allocate(capacity: 1)
    unsafe raw.initialize(
      to: cuio_line(
        fd: fd, config_fd: -1, format: CUIO_COUNT_EVENTFD, rearm: CUIO_REARM_NONE, total: 0,
        command: 0))
  }

  deinit { unsafe raw.deallocate() }

  /// Raises `count` interrupts. Any thread, any level; one system call.
  public func trigger(_ count: UInt64 = 1) { _ = cuio_event_signal(event.raw, count) }

  public var readTakesAll: Bool { true }

  public func attach() throws(InterruptSyncError) -> InterruptLine {
    guard !isClaimed.exchange(true, ordering: .acquiringAndReleasing) else {
      throw InterruptSyncError.lineBusy(name)
    }
    return unsafe InterruptLine(raw)
  }

  public func detach() { isClaimed.store(false, ordering: .releasing) }

  public func failure(_ operation: InterruptLineOperation, errno: Int32) -> InterruptSyncError {
    InterruptSyncError(
      .lineFailed, object: name, operation: operation.rawValue, cause: "the eventfd failed",
      errno: errno)
  }
}
